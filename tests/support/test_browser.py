"""The browser of the tests stays on this machine. No asyncio test in this module: see `browser`."""

import pytest
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page


def test_the_browser_opens_local_pages_and_no_others(page: Page) -> None:
    page.set_content("<title>Rendez-vous</title>")
    assert page.title() == "Rendez-vous"
    with pytest.raises(BrowserError, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("http://example.org/")
