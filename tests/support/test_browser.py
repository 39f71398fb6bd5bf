"""The browser of the tests stays on this machine. No asyncio test in this module: see `browser`."""

import pytest
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page

from tests.support.looking import SCREEN, look_at


def test_the_browser_opens_local_pages_and_no_others(page: Page) -> None:
    page.set_content("<title>Rendez-vous</title>")
    assert page.title() == "Rendez-vous"
    with pytest.raises(BrowserError, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("http://example.org/")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("<p class=small><img src='data:,'></p>", "image-alt"),
        ("<p class=small style='width: 500px'>Large</p>", "sideways by"),
    ],
)
def test_what_is_wrong_on_a_telephone_only_is_seen(page: Page, body: str, wrong: str) -> None:
    page.set_content(
        "<!doctype html><html lang=fr><title>Rendez-vous</title><style>"
        "@media (min-width: 600px) { .small { display: none } }</style>"
        f"<main><h1>Rendez-vous</h1>{body}</main></html>"
    )
    page.set_viewport_size(SCREEN)
    with pytest.raises(AssertionError, match=f"at 360 px[^$]*{wrong}|360 px scrolls {wrong}"):
        look_at(page)
