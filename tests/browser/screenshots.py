"""Write every page of the console while the demo runs: `python -m tests.browser.screenshots [NAME ...]`.

Light and dark, 1440 and 390 pixels wide, into docs/screenshots. Look at them.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

from assay_services.demo.simulator import PROJECT
from tests.browser.conftest import CHROMIUM_FLAGS, LOOKS, PASSWORD, ROOT, WIDTHS, drawn, settled
from tests.support.processes import wait_for

TARGET = ROOT / "docs" / "screenshots"
PAGES = {
    "overview": "/",
    "project": f"/project?project={PROJECT}",
    "annotators": f"/annotators?project={PROJECT}",
    "annotator": f"/annotator?project={PROJECT}&annotator=drifting-1",
    "items": f"/items?project={PROJECT}&status=disputed",
    "review": f"/review?project={PROJECT}",
    "alerts": "/alerts",
    "subscriptions": "/subscriptions",
    "system": "/system",
}
_DEMO_SECONDS, _WARM_UP_SECONDS = 600, 75
_TALLEST = 1_600
_LIVE_CHART_MS = 2_500


def main(*only: str) -> None:
    """Run the demo, sign in, and take the pictures, of all pages or of some."""
    TARGET.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        environment = os.environ | {"ASSAY_FOLDER": folder, "COLUMNS": "200"}
        command = [sys.executable, "-m", "assay_services.cli", "demo", "--seconds", str(_DEMO_SECONDS)]
        with output.open("wb") as file:
            demo = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=file, stderr=file)
        try:
            link = wait_for(lambda: _link(output), seconds=120, what="the console's link")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
                _shoot(browser, link, only)
        finally:
            demo.terminate()
            demo.wait(180)


def _link(output: Path) -> str | None:
    found = re.search(r"http://\S+/welcome\?token=[\w-]+", output.read_text(errors="replace"))
    return None if found is None else found[0]


def _shoot(browser: Browser, link: str, only: Sequence[str]) -> None:
    context = browser.new_context(base_url=link.partition("/welcome")[0], timezone_id="Europe/Lisbon")
    page = context.new_page()
    page.goto(link)
    page.fill("#password", PASSWORD)
    page.click("text=Create admin")
    time.sleep(_WARM_UP_SECONDS)
    found = {"item": _first(page, PAGES["items"]), "alert": _first(page, PAGES["alerts"])}
    wanted = [(name, path) for name, path in (PAGES | found).items() if not only or name in only]
    for (name, path), look, width in product(wanted, LOOKS, WIDTHS):
        context.add_cookies([{"name": "assay_look", "value": look, "url": page.url.partition("?")[0]}])
        _take(page, path, TARGET / f"{name}-{look}-{width}.png", width)
    context.close()


def _first(page: Page, path: str) -> str:
    """Return where the first row of a list leads."""
    settled(page, path)
    return page.locator("#main tbody a").first.get_attribute("href") or path


def _take(page: Page, path: str, target: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    drawn(settled(page, path))
    if path == "/":
        page.wait_for_timeout(_LIVE_CHART_MS)  # the live chart gets one reading a second
    height = min(int(page.evaluate("document.documentElement.scrollHeight")), _TALLEST)
    page.set_viewport_size({"width": width, "height": max(height, 900)})
    drawn(page)
    page.screenshot(path=target)


if __name__ == "__main__":
    main(*sys.argv[1:])
