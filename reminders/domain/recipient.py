"""Who is written to, where, and in which zone they live."""

from datetime import date

from reminders.domain.booking import Address, Booking, Person, Step

OF_AGE = 18
HELPER = "helper"


def relation_on(person: Person, day: date) -> str:
    """Who is written to that day: the patient, or the representative the DPI names.

    A minor's parent or guardian until the eighteenth birthday, a protected adult's guardian;
    where the DPI names none, the contacts it gives for the patient. One it names without a
    usable address is called, not replaced by the child. A helper is named by the patient, by
    telephone, and speaks for an adult at any time (ADR 0012).
    """
    named = {address.relation for address in person.addresses} | {person.representative}
    named.discard("")
    if not named:
        return ""
    if HELPER in named:
        return HELPER
    minor = is_minor(person.birth_date, day)
    if minor and "parent" in named:
        return "parent"
    return "guardian" if (minor or person.protected) and "guardian" in named else ""


def is_minor(born: date | None, day: date) -> bool:
    return born is not None and _age(born, day) < OF_AGE


def _age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def address_for(person: Person, booking: Booking, step: Step, day: date) -> Address | None:
    """The recipient over the first channel of the step that is there, allowed and not failed."""
    used = booking.taken.get(step.id, {})
    relation = relation_on(person, day)
    refused = person.objects | booking.objects
    for channel in step.channels:
        if used.get(channel) == "failed" or channel in refused:
            continue
        for address in person.addresses:
            if address.channel == channel and address.relation == relation:
                return address
    return None


def address_used(person: Person, booking: Booking, step: str, day: date) -> Address | None:
    """The address of the channel over which a text may have left."""
    used = booking.taken.get(step, {})
    relation = relation_on(person, day)
    for address in person.addresses:
        if used.get(address.channel) == "left" and address.relation == relation:
            return address
    return None


def number_zone(person: Person, day: date) -> str:
    """IANA zone of the number of whoever is written to that day; "" = the site's.

    An e-mail follows it too: people live where their telephone does.
    """
    relation = relation_on(person, day)
    for address in person.addresses:
        if address.channel == "sms" and address.relation == relation:
            return address.zone
    return ""
