"""Any patient with any appointments, as Hypothesis strategies."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from reminders.domain.calendar import ContactHours
from reminders.domain.protocol import Address, Booking, LastTold, Person, Step, Taken, Unit
from tests.properties.permitted import FRENCH_ZONES, clock_changes

# Days around which rules meet: a clock change, the turn of the year, the holidays of May, an
# ordinary week.
ANCHORS = (
    date(2026, 6, 10),
    date(2026, 12, 28),
    date(2026, 5, 14),
    *(moment.date() for moment in clock_changes("Europe/Paris")[-4:]),
    *(moment.date() for moment in clock_changes("America/Miquelon")[-2:]),
)

STEPS = (
    Step("J-7", "preparation", 7, booked_days_before=10),
    Step("J-3", "confirm", 3),
    Step("J-1", "short", 1),
)
PROTOCOLS = (
    STEPS,
    STEPS[::-1],
    tuple(Step(f"J-{day}", "short", day) for day in (12, 9, 6, 4, 2)),
    (Step("booking", "booking", None), *STEPS),
    (Step("J-1", "short", 1, time(18), latest=time(19)), Step("J-0", "short", 0, time(9))),
    (Step("J-2", "short", 2, channels=("email",)), Step("J-1", "confirm", 1, unless_answered=True)),
)
SITES = ("Europe/Paris", "America/Miquelon", "Indian/Reunion", "Pacific/Noumea")


def units() -> st.SearchStrategy[Unit]:
    def build(zone: str, site: str, steps: tuple[Step, ...], sensitivity: str, uf: str) -> Unit:
        hours = ContactHours(ZoneInfo(zone), region=FRENCH_ZONES[zone])
        return Unit(uf, f"{site}-{zone}", f"{site}:{uf}", sensitivity, hours, steps)  # type: ignore[arg-type]

    return st.builds(
        build,
        st.sampled_from(SITES),
        st.sampled_from(["nord", "sud"]),
        st.sampled_from(PROTOCOLS),
        st.sampled_from(["normal", "normal", "normal", "neutral", "excluded"]),
        st.sampled_from(["4220", "4310"]),
    )


def addresses() -> st.SearchStrategy[tuple[Address, ...]]:
    one = st.builds(
        Address,
        st.sampled_from(["sms", "email"]),
        st.sampled_from(["+33639980012", "a@example.org"]),
        st.sampled_from(["", *FRENCH_ZONES]),
        st.sampled_from(["", "", "parent", "guardian"]),
    )
    return st.lists(one, max_size=4, unique_by=lambda a: (a.channel, a.relation)).map(tuple)


def people() -> st.SearchStrategy[Person]:
    return st.builds(
        Person,
        id=st.just(1),
        blocked=st.sampled_from(["", "", "", "", "deceased"]),
        birth_date=st.none() | st.sampled_from([date(1960, 2, 3), date(2008, 6, 10)]),
        protected=st.booleans(),
        addresses=addresses(),
        objects=st.sampled_from([frozenset(), frozenset(), frozenset({"sms"})]),
    )


MINUTES = st.integers(-40 * 1_440, 3 * 1_440).map(lambda minutes: timedelta(minutes=minutes))


@st.composite
def bookings(draw: st.DrawFn, number: int, unit: Unit | None, near: datetime) -> Booking:
    """Starts within twelve days of `near`, at a quarter of an hour."""
    starts_at = near + timedelta(minutes=15 * draw(st.integers(0, 12 * 96)))
    booked_at = draw(st.none() | MINUTES.map(lambda ago: starts_at + ago))
    first_seen = starts_at + draw(MINUTES)
    version_at = first_seen + draw(st.just(timedelta(0)) | MINUTES.map(abs))
    cycle = draw(st.sampled_from([1, 1, 2, 3]))
    told = draw(
        st.none()
        | st.builds(
            LastTold,
            st.sampled_from([starts_at, starts_at - timedelta(days=1)]),
            st.sampled_from(["nord:4220", "sud:4310"]),
            st.booleans(),
            st.integers(1, cycle),
        )
    )
    taken: dict[str, dict[str, Taken]] = {}
    marks: dict[str, datetime] = {}
    for step in draw(st.sampled_from([(), (), ("J-3",), ("J-1", "J-7"), ("correction", "notice")])):
        fate: Taken = draw(st.sampled_from(["open", "left", "failed"]))
        taken[step] = {draw(st.sampled_from(["sms", "email"])): fate}
        if fate != "open":
            marks[step] = starts_at - timedelta(days=2)
    return Booking(
        id=number,
        source=draw(st.sampled_from(["agenda", "ris"])),
        starts_at=starts_at,
        cycle=cycle,
        status=draw(st.sampled_from(["booked"] * 6 + ["cancelled", "pending", "fulfilled"])),
        uf=unit.uf if unit else "?",
        unit=unit,
        version_at=version_at,
        first_seen_at=first_seen,
        in_first_sync=draw(st.booleans()),
        booked_at=booked_at,
        cancelled_at=draw(st.none() | MINUTES.map(lambda ago: starts_at + ago)),
        cancelled_basis=draw(st.sampled_from(["", "told", "vanished"])),
        cancelled_by=draw(st.sampled_from(["", "hospital", "patient"])),
        answer=draw(st.sampled_from(["none", "none", "confirmed"])),
        all_day=draw(st.sampled_from([False] * 5 + [True])),
        told=told,
        taken=taken,
        marks=marks,
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Person, tuple[Booking, ...]]:
    anchor = draw(st.sampled_from(ANCHORS))
    near = datetime.combine(anchor, time(6), UTC)
    some = draw(st.lists(units(), min_size=1, max_size=3))
    pool: list[Unit | None] = [*some, *some, None]
    found = [
        draw(bookings(number, draw(st.sampled_from(pool)), near))
        for number in range(1, draw(st.integers(1, 4)) + 1)
    ]
    who = draw(people())
    if draw(st.booleans()):
        who = replace(who, reminded=(near + timedelta(days=draw(st.integers(-3, 6)), hours=6),))
    return who, tuple(found)
