"""Who may be written to, and at which of the addresses a DPI holds."""

from datetime import date

import pytest

from reminders.domain.appointment import ContactPoint, Holder, PatientRecord
from reminders.domain.booking import Address, Person
from reminders.domain.patient import BLOCKED_IDENTITIES, blocked_reason, reach
from reminders.domain.recipient import relation_on

MOBILE, OTHER_MOBILE, LANDLINE = "06 39 98 00 12", "06 39 98 00 13", "01 99 00 12 34"
MAIL = "lea.test@example.org"


def phone(value: str, **changes: object) -> ContactPoint:
    return ContactPoint("phone", value, **changes)  # type: ignore[arg-type]


def mail(value: str, **changes: object) -> ContactPoint:
    return ContactPoint("email", value, **changes)  # type: ignore[arg-type]


def patient(*contacts: ContactPoint, **changes: object) -> PatientRecord:
    return PatientRecord("0001234", contacts=contacts, **changes)  # type: ignore[arg-type]


def test_a_mobile_is_found_whatever_the_dpi_calls_it() -> None:
    found = reach(patient(phone(LANDLINE, use="mobile"), phone(MOBILE, use="home")))
    assert (found.phone, found.phone_zone, found.problem) == ("+33639980012", "Europe/Paris", "")


def test_a_ranked_number_comes_first_then_a_mobile() -> None:
    home, mobile = phone(MOBILE, use="home"), phone(OTHER_MOBILE, use="mobile")
    assert reach(patient(home, mobile)).phone == "+33639980013"
    ranked = phone(MOBILE, use="home", rank=1)
    assert reach(patient(mobile, ranked)).phone == "+33639980012"
    second, first = phone(MOBILE, rank=2), phone(OTHER_MOBILE, rank=1)
    assert reach(patient(second, first)).phone == "+33639980013"


@pytest.mark.parametrize("changes", [{"use": "old"}, {"ended": True}, {"use": "work"}])
def test_old_ended_and_work_contacts_are_never_used(changes: dict[str, object]) -> None:
    found = reach(patient(phone(MOBILE, **changes), mail(MAIL, **changes)))
    assert (found.phone, found.email, found.problem) == ("", "", "no_contact")


@pytest.mark.parametrize(
    ("contacts", "problem"),
    [
        ((), "no_contact"),
        ((phone(""), phone("  ")), "no_contact"),
        ((phone(LANDLINE),), "landline_only"),
        ((phone("09 12 34 56 78"),), "landline_only"),
        ((phone("0600000000"),), "invalid_number"),
        ((phone("néant"),), "invalid_number"),
        ((phone("+1 202 555 0123"),), "invalid_number"),
        ((phone("06 39 98"), phone(LANDLINE)), "landline_only"),
        ((phone(LANDLINE), phone("06 39 98")), "landline_only"),
    ],
)
def test_without_a_mobile_the_ledger_knows_why(
    contacts: tuple[ContactPoint, ...], problem: str
) -> None:
    found = reach(patient(*contacts))
    assert (found.phone, found.problem) == ("", problem)


def test_the_second_number_of_a_cell_serves_when_the_first_cannot() -> None:
    assert reach(patient(phone(f"{LANDLINE} / {MOBILE}"))).phone == "+33639980012"


def test_an_address_in_the_wrong_field_is_still_an_address() -> None:
    found = reach(patient(phone(MAIL), mail(MOBILE)))
    assert (found.email, found.phone) == (MAIL, "+33639980012")


@pytest.mark.parametrize(
    "value",
    [
        "lea",
        "lea@example",
        "lea@@example.org",
        "lea test@example.org",
        "lea@example.org\r\nBcc: x@example.org",
        "lea@example.org, x@example.org",
        "<lea@example.org>",
        "léa@example.org",
        "a" * 65 + "@example.org",
        "lea@" + "a." * 130 + "org",
        "",
    ],
)
def test_what_is_no_single_plain_address_is_not_used(value: str) -> None:
    assert reach(patient(mail(value))).email == ""


def test_an_address_loses_only_the_blanks_around_it() -> None:
    assert reach(patient(mail(f"  {MAIL} "))).email == MAIL


def test_a_carer_or_trusted_person_is_never_written_to() -> None:
    found = reach(patient(phone(MOBILE, holder=Holder.OTHER), mail(MAIL, holder=Holder.OTHER)))
    assert (found.phone, found.email, found.proxy) == ("", "", "")


def test_a_representative_keeps_addresses_apart_from_the_patients() -> None:
    parent = phone(MOBILE, holder=Holder.PARENT), mail(MAIL, holder=Holder.PARENT)
    found = reach(patient(phone(OTHER_MOBILE), *parent))
    assert (found.phone, found.email) == ("+33639980013", "")
    assert (found.proxy, found.proxy_phone, found.proxy_email) == ("parent", "+33639980012", MAIL)
    assert found.proxy_zone == "Europe/Paris"


def test_of_two_representatives_the_one_that_fits_is_kept() -> None:
    both = (
        phone(MOBILE, holder=Holder.PARENT),
        phone(OTHER_MOBILE, holder=Holder.GUARDIAN),
    )
    assert reach(patient(*both)).proxy == "parent"
    assert reach(patient(*both, protected_adult=True)).proxy == "guardian"


@pytest.mark.parametrize("status", sorted(BLOCKED_IDENTITIES))
def test_a_doubtful_or_hidden_identity_is_blocked(status: str) -> None:
    assert blocked_reason(patient(identity_status=status)) == "identity"
    assert blocked_reason(patient(identity_status=f" {status.lower()} ")) == "identity"


@pytest.mark.parametrize("status", ["", "VALI", "PROV", "COLP", "DPOT", "DOUT", "HOMA", "VIDE"])
def test_other_identities_are_not(status: str) -> None:
    assert blocked_reason(patient(identity_status=status)) == ""


def test_a_confidential_or_inactive_patient_is_blocked() -> None:
    assert blocked_reason(patient(confidential=True)) == "confidential"
    assert blocked_reason(patient(active=False)) == "inactive"


def person(*relations: str, **changes: object) -> Person:
    addresses = tuple(Address("sms", "+33639980012", relation=one) for one in relations)
    return Person(1, addresses=addresses, **changes)  # type: ignore[arg-type]


BORN = date(2008, 6, 11)
EVE, BIRTHDAY = date(2026, 6, 10), date(2026, 6, 11)


def test_a_minor_comes_of_age_on_the_eighteenth_birthday() -> None:
    child = person("", "parent", birth_date=BORN)
    assert (relation_on(child, EVE), relation_on(child, BIRTHDAY)) == ("parent", "")


def test_a_minors_guardian_stands_in_for_parents() -> None:
    child = person("", "guardian", birth_date=BORN)
    assert (relation_on(child, EVE), relation_on(child, BIRTHDAY)) == ("guardian", "")


def test_born_on_29_february_means_of_age_on_1_march() -> None:
    child = person("", "parent", birth_date=date(2008, 2, 29))
    assert relation_on(child, date(2026, 2, 28)) == "parent"
    assert relation_on(child, date(2026, 3, 1)) == ""


def test_an_adult_is_written_to_unless_protected() -> None:
    assert relation_on(person("", "guardian"), EVE) == ""
    assert relation_on(person("", "parent", birth_date=date(1990, 1, 1)), EVE) == ""
    assert relation_on(person("", "guardian", protected=True), EVE) == "guardian"


def test_without_a_named_representative_the_patients_own_contacts_serve() -> None:
    assert relation_on(person("", birth_date=BORN), EVE) == ""
    assert relation_on(person("", protected=True), EVE) == ""


def test_an_unknown_birth_date_makes_nobody_a_minor() -> None:
    assert relation_on(person("", "parent"), EVE) == ""
