"""One request of somebody signed in: what a page is given, and what it may answer."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from starlette.routing import compile_path

from reminders import __version__
from reminders.config import DEFAULT_PROTOCOL as SHIPPED
from reminders.config import Settings
from reminders.domain.access import May, Viewer
from reminders.domain.marking import N_
from reminders.domain.sign_in import Lasting
from reminders.services.accounts import Present
from reminders.services.call_list import Counted
from reminders.services.compose import Composer
from reminders.services.compose import Route as Sender
from reminders.services.effect import Measured as Effect
from reminders.services.home import Figures
from reminders.services.money import Shown
from reminders.services.remembered import Remembered, Resting
from reminders.services.rules import Rules
from reminders.services.sheets_cost import Volumes as SheetVolumes
from reminders.services.templates import Figures as Volumes
from reminders.services.visits import Notebook
from reminders.services.worklist import SYSTEM
from reminders.store import accounts
from reminders.store.engine import Record, Store
from reminders.store.sheets import Concerned
from reminders.web.staff import forms
from reminders.web.staff.words import DEFAULT, LANGUAGES, Words

Method = Literal["GET", "POST"]
SAID = "dit"  # the cookie of the one sentence shown after a POST
LONGEST_SENTENCE = 300
DEMO = N_("Démonstration")


@dataclass(frozen=True, slots=True)
class Truth:
    """What a simulated hospital knows and no real one: of `appointments` that began since, how
    many were missed, and how many would have been without any reminder."""

    since: datetime
    appointments: int
    missed: int
    without: int

    @property
    def avoided(self) -> int:
        return self.without - self.missed

    @property
    def points(self) -> float:
        """Percentage points of no-shows that reminders took away."""
        return 100 * self.avoided / self.appointments if self.appointments else 0.0


@dataclass(frozen=True, slots=True)
class Staff:
    """What the staff's pages stand on."""

    store: Store
    settings: Settings
    rules: Rules
    secret: bytes
    zone: ZoneInfo
    now: Callable[[], datetime]
    composer: Composer
    routes: Sequence[Sender]
    changed: Callable[[], object] = lambda: None  # answers and plans are looked at soon
    resting: Callable[[], Mapping[str, datetime]] = dict
    is_current: Callable[[], bool] = lambda: True
    secure: bool = False  # served over https: cookies say so
    second_factor: bool = True
    lasting: Lasting = field(default_factory=Lasting)
    doors: Mapping[str, str] = field(default_factory=dict)  # demo: login -> name, one click each
    notebook: Notebook = field(default_factory=Notebook)
    links: Sequence[tuple[str, str]] = ()  # (address, label) the bar shows besides the menu
    truth: Callable[[], Truth | None] = lambda: None  # the demo's
    figures: Figures = field(default_factory=Figures)  # the first page's, for a moment
    effects: Remembered[Effect] = field(  # of the hold-out, measured over all its units
        default_factory=lambda: Remembered[Effect](timedelta(minutes=5), timedelta(hours=1))
    )
    coming: Resting[Sequence[Record]] = field(  # what is booked, by service
        default_factory=lambda: Resting[Sequence[Record]](200, timedelta(milliseconds=20))
    )
    kinds: Resting[list[str]] = field(  # of appointments, as the DPI names them
        default_factory=lambda: Resting[list[str]](200, timedelta(milliseconds=50))
    )
    described: Resting[Shown] = field(  # a month as the savings tell it
        default_factory=lambda: Resting[Shown](200, timedelta(milliseconds=100))
    )
    calls: Resting[list[Counted]] = field(  # of patients, by month
        default_factory=lambda: Resting[list[Counted]](200, timedelta(milliseconds=100))
    )
    people: Remembered[dict[str, str]] = field(  # login -> name
        default_factory=lambda: Remembered[dict[str, str]](timedelta(minutes=1))
    )
    sheet_reach: Resting[Concerned] = field(  # whom each sheet is about
        default_factory=lambda: Resting[Concerned](200, timedelta(milliseconds=20))
    )
    sheet_volumes: Remembered[SheetVolumes] = field(  # how much is sent that says each sheet
        default_factory=lambda: Remembered[SheetVolumes](timedelta(minutes=5))
    )
    volumes: Remembered[Volumes] = field(  # how much of each template is sent
        default_factory=lambda: Remembered[Volumes](timedelta(minutes=5))
    )

    @property
    def mode(self) -> str:
        return self.settings.mode

    @property
    def sites(self) -> dict[str, str]:
        return {uf: desk.site_id for uf, desk in self.rules.desks.items()}


@dataclass(frozen=True, slots=True)
class Route:
    """An address, the permission it asks for, and the page. `may` None: signed in is enough.

    `everywhere`: it is about the whole hospital, and so must the permission be; the sentence for
    whoever holds it for some sites or services only. `typed`: the fields of a long text and their
    names, shown again to whoever sends them after their session ended.
    """

    method: Method
    path: str  # Starlette's: "/patients/{patient:int}"
    may: May | None
    run: "Callable[[Visit], Response]"
    everywhere: str = ""
    typed: Mapping[str, str] = field(default_factory=dict, hash=False)

    def typed_in(self, fields: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
        """(field, its name, what was typed there), without what is empty."""
        given = {name: value for name, value in reversed(fields) if value.strip()}
        return [(one, label, given[one]) for one, label in self.typed.items() if one in given]


@dataclass(slots=True)
class Visit:
    staff: Staff
    present: Present
    request: Request
    fields: Sequence[tuple[str, str]]  # of the form, in order
    now: datetime
    notes: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def viewer(self) -> Viewer:
        return self.present.viewer

    @property
    def path(self) -> Mapping[str, Any]:
        return self.request.path_params

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    @property
    def form(self) -> dict[str, str]:
        """The first value of each field, without the space around it."""
        return {name: value.strip() for name, value in reversed(self.fields)}

    def values(self, name: str) -> list[str]:
        return [value.strip() for one, value in self.fields if one == name]

    @property
    def again(self) -> str:
        """This page's address, to come back to; of what answers a form, the page around it."""
        url = self.request.url
        if self.request.method == "POST":
            return opened(url.path)
        return f"{url.path}?{url.query}" if url.query else url.path

    @property
    def words(self) -> Words:
        return Words(self.viewer.language, self.staff.zone, self.now)

    def saw(self, action: str, subject: str = "", detail: str = "") -> None:
        """One line of the audit, written once the page is made: codes and our ids only."""
        self.notes.append((action, subject, detail))

    def who(self, actor: str) -> str:
        """Whoever did something, by name; another program's account stays what it is. A text
        may come with a release (store/templates.py)."""
        if actor in (SYSTEM, "service"):  # a month that closed by itself
            return self.words.gettext("le service lui-même")
        if (release := actor.removeprefix("livré avec ")) != actor:
            return self.words.gettext("livré avec %(release)s", release=release)
        known = self.staff.people.get("", self._people, now=self.now).value
        if actor and actor not in known:  # somebody new, or no account: then not asked again soon
            known.update({actor: actor} | self._people())
        return known.get(actor, actor)

    def _people(self) -> dict[str, str]:
        with self.staff.store.read() as connection:
            return accounts.names(connection)

    # --- answers --------------------------------------------------------------------------------

    def page(self, template: str, status: int = 200, /, **values: Any) -> Response:
        said = forms.unpacked(self.request.cookies.get(SAID, ""))
        words = self.words
        text = (
            environment(words.language)
            .get_template(f"staff/{template}")
            .render(
                w=words,
                viewer=self.viewer,
                mode=self.staff.mode,
                here=self.request.url.path,
                again=self.again,
                menu=self._menu(),
                said=said,
                csrf=self._csrf,
                languages=LANGUAGES,
                who=self.who,
                establishments=[one.name for one in self.staff.settings.site],
                program=__version__,
                **values,
            )
        )
        response = HTMLResponse(text, status)
        if said:
            response.delete_cookie(SAID, path="/")
        return response

    def go(self, address: str, said: str = "") -> Response:
        """After a POST: another page, which first says what was done. `address` is ours."""
        response = RedirectResponse(address, 303)
        if said:
            response.set_cookie(
                SAID, forms.packed(said[:LONGEST_SENTENCE]), max_age=60, httponly=True,
                samesite="lax", secure=self.staff.secure, path="/",
            )  # fmt: skip
        return response

    def missing(self, sentence: str = "") -> Response:
        return self._trouble(404, N_("Cette page n’existe pas"), sentence)

    def refuse(self, sentence: str = "", typed: Sequence[tuple[str, str, str]] = ()) -> Response:
        title = N_("Cette page ne vous est pas ouverte")
        return self.page("trouble.html", 403, title=title, sentence=sentence, typed=typed)

    def conflict(self, sentence: str) -> Response:
        return self._trouble(409, N_("Quelqu’un d’autre vient d’y toucher"), sentence)

    def download(self, chunks: Iterable[bytes], name: str, media: str) -> Response:
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(chunks, media_type=media, headers=headers)

    def _trouble(self, status: int, title: str, sentence: str) -> Response:
        return self.page("trouble.html", status, title=title, sentence=sentence, typed=())

    def _csrf(self) -> Markup:
        token = forms.masked(self.present.form_key)
        return Markup('<input type="hidden" name="{}" value="{}">').format(forms.FIELD, token)

    def _menu(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """(group, [(address, label)]) of what this person may open."""
        from reminders.web.staff.routes import MENU, WHOLE

        own = [
            (
                group,
                [
                    (to, label)
                    for to, label, may in those
                    if self.viewer.may(may) and (to not in WHOLE or self.viewer.everywhere(may))
                ],
            )
            for group, those in MENU
        ]
        extra = [(DEMO, list(self.staff.links))] if self.staff.links else []
        return [(group, those) for group, those in own + extra if those]


def opened(path: str) -> str:
    """The nearest page at or above an address that is there to be read."""
    from reminders.web.staff.routes import ROUTES

    shapes = [compile_path(one.path)[0] for one in ROUTES if one.method == "GET"]
    while path and not any(shape.match(path) for shape in shapes):
        path = path.rpartition("/")[0]
    return path or "/"


# --- the templates ------------------------------------------------------------------------------


def _load(name: str) -> str:
    return (files("templates") / "pages" / name).read_text(encoding="utf-8")


@cache
def asset(name: str) -> str:
    """The address of a file of assets/, new whenever its content is."""
    content = (files("templates") / "pages" / "assets" / name).read_bytes()
    return f"/assets/{name}?v={blake2b(content, digest_size=6).hexdigest()}"


@cache
def environment(language: str) -> Environment:
    """Escaping, strict, and speaking one language."""
    pages = Environment(
        loader=FunctionLoader(_load),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = Words(language, ZoneInfo("UTC"), datetime.fromtimestamp(0, UTC))  # no moment is told
    pages.globals.update(
        asset=asset,
        colon=words.colon,
        semicolon=words.semicolon,
        _=words.gettext,
        gettext=words.gettext,
        ngettext=words.ngettext,
        protocol_name=lambda name: words.gettext("standard") if name == SHIPPED.id else name,
    )
    return pages


def warm() -> None:
    """Read the catalogues and compile the pages before anybody waits for it: a second's work."""
    for language in LANGUAGES:
        pages = environment(language)
        if language == DEFAULT:
            for name in _names(files("templates") / "pages", "staff/"):
                pages.get_template(name)


def _names(folder: Traversable, below: str) -> Iterator[str]:
    for child in folder.joinpath(below).iterdir():
        if child.is_dir():
            yield from _names(folder, f"{below}{child.name}/")
        elif child.name.endswith(".html"):
            yield below + child.name
