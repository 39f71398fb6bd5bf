"""A page as a browser shows it: no rule of axe-core is broken, nothing is wider than the screen."""

import json
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page, ViewportSize

SCREEN: ViewportSize = {"width": 1280, "height": 800}
TELEPHONE: ViewportSize = {"width": 360, "height": 800}
BOTH = (SCREEN, TELEPHONE)


def look_at(page: Page, state: str = "") -> None:
    """As it is on a screen and on a telephone, and left at the width it had.

    `state` says in a failure what was looked at, beside the address.
    """
    own = page.viewport_size
    for size in BOTH:
        page.set_viewport_size(size)
        looked = f"{state} {page.url} at {size['width']} px"
        found = broken(page)
        assert found.violations_count == 0, f"{looked}\n{found.generate_report()}"
        assert excess(page) <= 0, f"{looked} scrolls sideways by {excess(page)} px"
    if own is not None:
        page.set_viewport_size(own)


def broken(page: Page, **options: Any) -> AxeResults:
    """What axe-core finds (`options` as its `axe.run` takes them).

    It comes by the debugger, once to each document: the page's own rules refuse programs.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    asked = json.dumps({"resultTypes": ["violations"], **options})
    return AxeResults(page.evaluate(f"axe.run(document, {asked})"))


def excess(page: Page) -> int:
    """By how many CSS pixels the page is wider than its window."""
    root = "document.scrollingElement"
    wider: int = page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
    return wider
