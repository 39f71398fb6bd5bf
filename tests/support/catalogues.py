"""Keep the catalogues of the staff's pages: `python -m tests.support.catalogues [subject …]`.

A subject is the name of a folder of templates/pages/staff or of a module of reminders/web/staff;
what belongs to none of them is `common`. Sentences are found by Babel in pages and programs, and
written into templates/locale/{fr,en}/<subject>.po: translations are kept, French is its own.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[2]
LOCALE = ROOT / "templates" / "locale"
PAGES = ROOT / "templates" / "pages" / "staff"
PUBLIC = ROOT / "templates" / "pages" / "documents"  # patients read them too
PROGRAMS = ROOT / "reminders" / "web" / "staff"
# Their tables of sentences, marked N_ or said by a page.
SHARED = (
    "domain/*.py",
    "services/*.py",
    "store/*.py",
    "rendering.py",
    "cli/opening.py",
    "web/api.py",
)
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "N_": None,
    "tell": None,  # gettext, where a function says much
    # What is read of a reply and what is refused say a sentence as one of their arguments.
    "_human": (1,),
    "Reading": (3,),
    "HoldRefused": (2,),
    "described": (2,),
}
SAYING = re.compile(r"\b(?:N_|_human|Reading|HoldRefused|described)\(")
COMMON = "common"
ABOUT = {"project": "reminders", "version": "", "copyright_holder": "", "msgid_bugs_address": ""}
LANGUAGES = ("fr", "en")


def sentences() -> dict[str, Catalog]:
    """What the sources say today, by subject."""
    found: dict[str, Catalog] = {}
    for file, method in sorted(_sources()):
        catalogue = found.setdefault(subject_of(file), Catalog())
        with file.open("rb") as content:
            for line, message, _comments, _context in extract(method, content, KEYWORDS):
                where = [(str(file.relative_to(ROOT)), line)]
                catalogue.add(message, locations=where)
    return {subject: one for subject, one in found.items() if len(one)}


def _sources() -> Iterator[tuple[Path, str]]:
    yield from ((file, "jinja2.ext:babel_extract") for file in PAGES.rglob("*.html"))
    yield from ((file, "jinja2.ext:babel_extract") for file in PUBLIC.glob("*.html"))
    yield from ((file, "python") for file in PROGRAMS.glob("*.py"))
    for place in SHARED:
        for file in (ROOT / "reminders").glob(place):
            if SAYING.search(file.read_text(encoding="utf-8")):
                yield file, "python"


def subject_of(file: Path) -> str:
    if file.is_relative_to(PAGES):
        parts = file.relative_to(PAGES).parts
        return parts[0] if len(parts) > 1 else COMMON
    if file.is_relative_to(PUBLIC):
        return PUBLIC.name
    if file.is_relative_to(PROGRAMS):
        name = file.stem.partition("_")[0]
        if name in ("account", "sign"):
            return {"account": "accounts", "sign": "sign_in"}[name]
    else:
        name = file.stem.partition("_")[0]
    return next((one for one in (name, f"{name}s") if (PAGES / one).is_dir()), COMMON)


def kept(language: str, subject: str) -> Catalog:
    """The catalogue of a subject as it is written; empty if there is none."""
    file = LOCALE / language / f"{subject}.po"
    content = file.read_bytes() if file.exists() else b""
    return read_po(BytesIO(content), locale=language)


def refreshed(language: str, subject: str, said: Catalog) -> Catalog:
    """Every sentence said, with the translation it had; no other."""
    old = kept(language, subject)
    new = Catalog(locale=language, fuzzy=False, header_comment=f"# {subject}, {language}", **ABOUT)
    for message in said:
        if message.id:
            before = old.get(_key(message))
            new.add(message.id, string=_translated(language, message, before))
    return new


def _translated(language: str, message: Message, before: Message | None) -> Any:
    if language == "fr":
        return message.id
    return before.string if before is not None and before.id == message.id else None


def _key(message: Message) -> str:
    return message.id[0] if isinstance(message.id, tuple | list) else message.id


def as_text(catalogue: Catalog) -> bytes:
    out = BytesIO()
    write_po(out, catalogue, omit_header=False, no_location=True, sort_output=True, width=100)
    lines = out.getvalue().decode().splitlines(keepends=True)
    dated = ("POT-Creation", "PO-Revision", "Generated-By", "Last-Tr", "Language-Team", "Report-")
    return "".join(line for line in lines if not any(one in line for one in dated)).encode()


def write(subjects: Mapping[str, Catalog]) -> None:
    for subject, said in subjects.items():
        for language in LANGUAGES:
            (LOCALE / language).mkdir(parents=True, exist_ok=True)
            file = LOCALE / language / f"{subject}.po"
            file.write_bytes(as_text(refreshed(language, subject, said)))


def untranslated(language: str, subject: str) -> list[str]:
    """Sentences without a translation, or whose translation lost a value."""
    return [
        _key(one) for one in kept(language, subject) if one.id and (not _complete(one) or one.fuzzy)
    ]


def _complete(message: Message) -> bool:
    texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return all(text and _values(text) <= _values(_all(message)) for text in texts)


def _all(message: Message) -> str:
    return " ".join(message.id) if isinstance(message.id, tuple | list) else message.id


def _values(text: str) -> set[str]:
    return {part.partition(")")[0] for part in text.split("%(")[1:]}


def main(wanted: list[str]) -> None:
    said = sentences()
    if unknown := set(wanted) - set(said):
        sys.exit(f"no such subject: {', '.join(sorted(unknown))}; known: {', '.join(sorted(said))}")
    write({name: one for name, one in said.items() if not wanted or name in wanted})
    for subject in sorted(wanted or said):
        left = untranslated("en", subject)
        print(f"{subject}: {len(said[subject])} sentences, {len(left)} without English")
        for sentence in left[:20]:
            print(f"  {sentence}")


if __name__ == "__main__":
    main(sys.argv[1:])
