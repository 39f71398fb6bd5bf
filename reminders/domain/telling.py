"""Whose number somebody may tell by telephone (ADR 0012)."""


def not_to_be_told(relation: str, *, minor: bool, protected: bool, represented: bool) -> str:
    """Why a number of this holder (patient | parent | guardian | helper) cannot take the place of
    the DPI's: a code, "" where it can. `represented`: the DPI names somebody who is written to
    instead of the patient.

    Whoever answers for a minor or a protected adult is not changed into somebody who does not.
    """
    match relation:
        case "patient":
            return "represented" if represented else ""
        case "parent":
            return "" if minor else "of_age"
        case "guardian":
            return "" if minor or protected else "not_protected"
        case "helper":
            return "minor" if minor else "protected" if protected else ""
    return "unknown"
