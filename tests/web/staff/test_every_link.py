"""No page shows anybody a link they may not follow, or one that leads nowhere."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest

from reminders.domain.access import Role
from tests.support.office import Clerk, Office
from tests.support.stores import SqliteFiles
from tests.support.workday import workday

HREF = re.compile(r'<a\b[^>]*?\shref="([^"]*)"')
SAMPLES = 2  # addresses of one shape that are followed
# Whose places: everywhere, or one service of the workday.
WHOSE = [(role, ()) for role in Role] + [(role, ("4220",)) for role in (Role.AGENT, Role.MANAGER)]


@pytest.fixture(scope="module")
def office(sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with sqlite_files.migrated(Path(tmp_path_factory.mktemp("links"))) as store:
        yield workday(store)


def shape(address: str) -> str:
    """The address without numbers, dates, values and templates: pages of one shape are alike."""
    parts = urlsplit(address)
    names = "&".join(sorted(name for name, _ in parse_qsl(parts.query)))
    return re.sub(r"\d+|\w+(\.\w+)+", "#", parts.path) + "?" + names


def links(page: str, at: str) -> list[str]:
    """Our own addresses a page links to."""
    found = (urljoin(at, unescape(one)).partition("#")[0] for one in HREF.findall(page))
    return [one for one in found if one.startswith("/") and not one.startswith("/assets/")]


def each_template(address: str) -> str:
    """As `shape`, but no template stands for another."""
    return "/".join(one if "." in one else shape(one) for one in urlsplit(address).path.split("/"))


def followed(clerk: Clerk, shape: Callable[[str], str] = shape) -> dict[str, tuple[str, int]]:
    """Everything reached from the first page: address -> (the page that showed it, status)."""
    waiting, seen, found = [("/", "/")], dict[str, int](), dict[str, tuple[str, int]]()
    while waiting:
        address, origin = waiting.pop(0)
        if address in found or seen.get(shape(address), 0) >= SAMPLES:
            continue
        seen[shape(address)] = seen.get(shape(address), 0) + 1
        answer = clerk.get(address)
        found[address] = origin, answer.status_code
        if "text/html" in answer.headers.get("content-type", ""):
            waiting += [(one, address) for one in links(answer.text, address)]
    return found


@pytest.mark.parametrize(
    ("role", "ufs"), WHOSE, ids=lambda one: "-".join(one) if isinstance(one, tuple) else one
)
def test_every_link_somebody_is_shown_opens_for_them(
    office: Office, role: Role, ufs: tuple[str, ...]
) -> None:
    clerk = office.clerk(role, login=f"{role}-{len(ufs)}", ufs=ufs)
    found = followed(clerk)
    assert len(found) > 8
    assert wrong(found) == {}


@pytest.mark.nightly
@pytest.mark.parametrize("role", Role)
def test_every_link_of_every_template_opens_too(office: Office, role: Role) -> None:
    found = followed(office.clerk(role, login=f"{role}-templates"), each_template)
    assert len(found) > 8
    assert wrong(found) == {}


def wrong(found: dict[str, tuple[str, int]]) -> dict[str, tuple[str, int]]:
    return {one: said for one, said in found.items() if said[1] not in (200, 303)}
