"""Where the browser for the tests of pages is. `python -m tests.support.chromium` prints it."""

import os
import shutil
import sys
from pathlib import Path

# The shell is the same engine without windows, tabs and what they load beforehand: a third of the
# work for each page a test opens.
NAMES = (
    "chromium-headless-shell", "chrome-headless-shell", "chromium", "chromium-browser",
    "google-chrome", "google-chrome-stable", "chrome",
)  # fmt: skip
PLACES = (
    "/usr/lib/chromium/chromium-headless-shell",
    "/usr/lib/chromium/chromium",
    "/snap/bin/chromium",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
DOWNLOADS = (  # where playwright puts its own, and the program inside; the last is tried first
    (".cache/ms-playwright", "chromium-*/chrome-linux*/chrome"),
    ("Library/Caches/ms-playwright", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*"),
    (".cache/ms-playwright", "chromium_headless_shell-*/chrome-*/*headless*shell"),
    ("Library/Caches/ms-playwright", "chromium_headless_shell-*/chrome-*/*headless*shell"),
)

# As root a sandbox cannot be made; the other flags keep the browser from calling anybody:
# only loopback resolves.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


def find() -> Path | None:
    """CHROMIUM if it is set, else the first Chromium of PATH, of known places, of playwright."""
    if named := os.environ.get("CHROMIUM"):
        return Path(named) if os.access(named, os.X_OK) else None
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    downloads = [
        path for folder, inside in DOWNLOADS for path in sorted((Path.home() / folder).glob(inside))
    ]
    candidates = [*map(Path, PLACES), *reversed(downloads)]
    return next((path for path in candidates if os.access(path, os.X_OK)), None)


if __name__ == "__main__":
    place = find()
    print(place or "no Chromium found")
    sys.exit(place is None)
