"""An e-mail's HTML made from its text, and what of an HTML part a page may show."""

import re
from html import escape, unescape
from html.parser import HTMLParser

_TAG = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})", re.DOTALL)
_LINK = re.compile(r"\{\{-?\s*(lien_\w+)\s*-?\}\}")
_STYLE = (
    "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;font-size:17px;"
    "line-height:26px;max-width:36em;margin:0 auto;padding:24px 16px"
)
_PAGE = """<!doctype html>
<html lang="{language}"{turned}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{{{{ etablissement_court }}}}</title>
</head>
<body style="{style}">
<div style="white-space:pre-line">{text}</div>
</body>
</html>"""


def html_of(body: str, language: str) -> str:
    """A template of HTML that says what the template `body` says, its links to be followed."""
    parts = [
        _linked(part) if part.startswith("{") else escape(part, quote=False)
        for part in _TAG.split(body)
    ]
    spoken = "fr" if language == "falc" else language
    turned = ' dir="rtl"' if language == "ar" else ""
    return _PAGE.format(language=spoken, turned=turned, style=_STYLE, text="".join(parts))


def _linked(tag: str) -> str:
    found = _LINK.fullmatch(tag)
    return f'<a href="{tag}">{tag}</a>' if found else tag


KEPT = frozenset(
    {"p", "br", "strong", "b", "em", "i", "h1", "h2", "h3", "ul", "ol", "li", "div", "hr"}
)
SILENT = frozenset({"script", "style", "head", "title", "template", "noscript"})


class _Shown(HTMLParser):
    """Only tags of KEPT come out, without a single attribute; every text is escaped."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.open: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self.silent += 1
        elif tag in KEPT:
            name = {"h1": "h3", "h2": "h4", "h3": "h5"}.get(tag, tag)
            self.out.append(f"<{name}>")
            if tag not in ("br", "hr"):
                self.open.append(name)
        elif tag == "a":
            self.out.append("<u>")
            self.open.append("u")

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self.silent = max(0, self.silent - 1)
            return
        name = {"h1": "h3", "h2": "h4", "h3": "h5", "a": "u"}.get(tag, tag)
        if name in self.open:
            while self.open:
                last = self.open.pop()
                self.out.append(f"</{last}>")
                if last == name:
                    break

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.out.append(escape(data))


def shown_html(html: str) -> str:
    """A rendered HTML part as a page of ours may hold it: structure and text, nothing else.

    No attribute, script, style or address survives, whatever was written or inserted.
    """
    reader = _Shown()
    reader.feed(html)
    reader.close()
    return "".join(reader.out) + "".join(f"</{tag}>" for tag in reversed(reader.open))


def text_of(html: str) -> str:
    """The words of a rendered HTML part."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", shown_html(html))))
