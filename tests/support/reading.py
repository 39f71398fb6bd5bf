"""What a page of the staff says in its own words, told apart from what it quotes.

An element with a `lang` of its own is a quotation (WCAG 3.1.2): a patient's message, a text one
writes, an adapter's words. `lang=""` quotes a language nobody knows.
"""

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

NEVER_CLOSED = frozenset(
    {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
SILENT = frozenset({"script", "style", "code", "kbd", "textarea"})  # programs, and what is typed
SPOKEN = ("title", "aria-label", "placeholder", "alt", "data-label")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.language = ""
        self.inside: list[tuple[str, bool]] = []  # (element, is it silent or a quotation?)
        self.said: list[str] = []

    @property
    def aside(self) -> bool:
        return bool(self.inside) and self.inside[-1][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "html":
            self.language = given.get("lang") or ""
        quoted = self.aside or tag in SILENT
        if "lang" in given and tag != "html":  # a quotation, or our own words inside one
            quoted = not (self.aside and given["lang"] == self.language)
        if not quoted:
            self.said += [given[name] or "" for name in SPOKEN if given.get(name)]
        if tag not in NEVER_CLOSED:
            self.inside.append((tag, quoted))

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self.aside:
            self.said.append(data)


def said(page: str) -> Iterator[str]:
    """The pieces of text a page says itself, titles and labels too, blanks as they are."""
    reader = _Reader()
    reader.feed(page)
    return (one for one in reader.said if one.strip())


# Words and letters that English does without, once names are gone; and French spacing.
FRENCH = re.compile(
    r"\b(?:le|la|les|des|du|une|est|pour|dans|avec|sur|pas|aux|qui|que|au|et|sont|par|vos|nous|"
    r"rendez|sans|aucune?|jours?)\b|[àâçéèêëîïôùûœ«»]|\b[ldnqcsj]['’]\w|"
    r"\w[ \u00a0\u202f][:;?!%€](?:\s|$)",
    re.IGNORECASE,
)
ADDRESSES = ("Défenseur des droits", "Libre réponse", "/fr/", "3 place de Fontenoy")


def french_in(page: str, names: Sequence[str] = ()) -> list[str]:
    """What an English page says that is not English. `names`: of people and places it shows."""
    known = sorted((*names, *ADDRESSES), key=len, reverse=True)
    pieces = list(said(page))
    for name in known:
        pieces = [one.replace(name, "") for one in pieces]
    return [one for one in pieces if FRENCH.search(one)]
