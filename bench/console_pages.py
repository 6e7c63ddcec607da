"""The console's pages in a real Chromium: time to first paint, and the cost of many live pages."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import psutil
from playwright.sync_api import BrowserContext, sync_playwright

from assay_services.devtools.ports import free_port
from bench.processes import ROOT
from bench.report import Sheet, at_most

_CHROMIUM = "/usr/bin/chromium"
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
_TRIES = 5
_TARGET_MS, _TARGET_CORES = 1_500, 1
_PASSWORD = "a long enough word"  # noqa: S105  # of a console that lives for the bench
_LIVE_PAGES, _LIVE_SECONDS = 50, 20.0
_PATIENCE_SECONDS = 60
_FIRST_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
_PAGES = {
    "overview": "/",
    "project": "/project?project=ads-safety",
    "annotators": "/annotators?project=ads-safety",
    "one annotator": "/annotator?project=ads-safety&annotator=a0007",
    "items": "/items?project=ads-safety",
    "one item": "/item?project=ads-safety&item=i-0000500",
    "review": "/review",
    "alerts": "/alerts",
}


def measure(url: str, name: str, feed: Callable[[], None]) -> Sheet:
    """Open every page a few times, then fifty live ones at once while `feed` adds to the archive."""
    with (
        TemporaryDirectory(prefix="assay-bench-pages-") as folder,
        _console(url, Path(folder)) as (address, process),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=list(_FLAGS))
        context = _signed_in(browser.new_context(viewport={"width": 1440, "height": 900}), address, Path(folder))
        rows = [(page, *_paints(context, address + path)) for page, path in _PAGES.items()]
        cores, rss = _live(context, address, process, feed)
        browser.close()
    rows.append(
        (
            f"{_LIVE_PAGES} live overviews: CPU",
            f"{cores:.2f} cores",
            "",
            "at most 1 core",
            at_most(cores, _TARGET_CORES),
        )
    )
    rows.append((f"{_LIVE_PAGES} live overviews: memory", f"{rss:,.0f} MB", "", "", ""))
    notes = (
        f"Pages: first contentful paint of {_TRIES} loads in headless Chromium on the same machine.",
        "CPU time is the console's alone, while 200 annotations per second reach the archive.",
    )
    columns = ("page", "median ms", "slowest ms", "target of the slowest", "result")
    return Sheet(f"Pages of the console, {name}", columns, rows, notes)


@contextmanager
def _console(url: str, folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    port = free_port()
    own = {"ASSAY_DATABASE": url, "ASSAY_FOLDER": str(folder), "ASSAY_CONSOLE_PORT": str(port)}
    environment = {**os.environ, **own, "ASSAY_KAFKA": f"127.0.0.1:{free_port()}"}
    with (folder / "console.log").open("wb") as log:
        command = [sys.executable, "-m", "assay_services.console"]
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        _until_it_answers(address)
        yield address, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def _until_it_answers(address: str) -> None:
    ends = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < ends:
        try:
            with urlopen(f"{address}/ready"):  # noqa: S310  # our own
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("the console did not start")


def _signed_in(context: BrowserContext, address: str, folder: Path) -> BrowserContext:
    """Use the one-time link from the console's log."""
    link = re.search(r"/welcome\?token=[\w-]+", (folder / "console.log").read_text())
    if link is None:
        raise RuntimeError("the console printed no one-time link")
    page = context.new_page()
    page.goto(address + link[0])
    page.fill("input[name=name]", "bench")
    for entry in page.query_selector_all("input[type=password]"):
        entry.fill(_PASSWORD)
    page.click("button")
    page.wait_for_url(f"{address}/**")
    page.close()
    known = {"assay_zone": "UTC", "assay_look": "light"}  # else the first page asks for them, and loads again
    context.add_cookies([{"name": name, "value": value, "url": address} for name, value in known.items()])
    return context


def _paints(context: BrowserContext, where: str) -> tuple[str, str, str, str]:
    found = []
    for _ in range(_TRIES + 1):
        page = context.new_page()
        page.goto(where, wait_until="load")
        page.wait_for_selector("#main h1")
        found.append(float(page.evaluate(_FIRST_PAINT)))
        page.close()
    slowest = max(found[1:])
    target = (f"at most {_TARGET_MS:,}", at_most(slowest, _TARGET_MS))
    return (f"{median(found[1:]):,.0f}", f"{slowest:,.0f}", *target)


def _live(
    context: BrowserContext, address: str, process: psutil.Process, feed: Callable[[], None]
) -> tuple[float, float]:
    pages = [context.new_page() for _ in range(_LIVE_PAGES)]
    for page in pages:
        page.goto(address, wait_until="domcontentloaded")
    pages[-1].wait_for_selector("#main h1")
    over = threading.Event()

    def keep_feeding() -> None:
        while not over.wait(1.0):
            feed()

    feeding = threading.Thread(target=keep_feeding)
    feeding.start()
    before, began = process.cpu_times(), time.monotonic()
    pages[-1].wait_for_timeout(_LIVE_SECONDS * 1_000)
    after, took = process.cpu_times(), time.monotonic() - began
    over.set()
    feeding.join()
    used = after.user + after.system - before.user - before.system
    return used / took, process.memory_info().rss / 1e6
