"""A real Chromium, and the whole stack as processes: Kafka, every service, the console."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from assay_services.demo.run import CONTRACT
from assay_services.demo.simulator import PROJECT
from assay_services.devtools.local_broker import LocalBroker
from assay_services.devtools.ports import free_port
from assay_services.devtools.supervisor import WORKERS
from tests.support.processes import wait_for

ROOT = Path(__file__).parents[2]
PASSWORD = "a long enough word"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


LOOKS, WIDTHS = ("light", "dark"), (390, 1440)
_CHARTS_ARE_DRAWN = """() => [...document.querySelectorAll('#main .nicegui-echart')].every(
  chart => chart.offsetParent === null || chart.querySelector('canvas'))"""
SignIn = Callable[[str, str], Page]
"""Return a page of somebody of that name and role, signed in."""


def annotation(
    item: str,
    annotator: str,
    label: str,
    *,
    text: str = "a text of some length",
    back: int = 0,
    project: str = PROJECT,
) -> dict[str, Any]:
    """Return an annotation as a platform sends it, made so many seconds ago."""
    made = datetime.now(UTC) - timedelta(seconds=back)
    return {
        "project": project,
        "item": {"id": item, "text": text, "attributes": {"market": "BR"}},
        "annotator": {"id": annotator},
        "label": label,
        "lead_time_seconds": 4.0,
        "occurred_at": made.isoformat(),
    }


@dataclass(slots=True)
class Stack:
    """Every service as a process of its own."""

    folder: Path
    environment: dict[str, str]
    url: str
    gateway: str
    key: str = ""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start one service."""
        own = {"ASSAY_WEB_PORT": str(free_port())}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", WORKERS[name]], env=self.environment | own, cwd=ROOT, stdout=log, stderr=log
            )

    def stop(self, name: str) -> None:
        """Stop one service."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log_of(self, name: str) -> str:
        """Return a service's log."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def assay(self, *arguments: str, given: str = "") -> str:
        """Run a command."""
        done = subprocess.run(
            [sys.executable, "-m", "assay_services.cli", *arguments],
            env=self.environment, cwd=ROOT, input=given, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def put_in_force(self, contract: str) -> None:
        """Put a contract in force."""
        file = self.folder / "another.yaml"
        file.write_text(contract)
        self.assay("contract", "apply", str(file))

    def send(self, *annotations: dict[str, object]) -> None:
        """Send annotations to the gateway."""
        answer = httpx.post(
            f"{self.gateway}/v1/annotations",
            json=list(annotations),
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=30,
        )
        answer.raise_for_status()


@pytest.fixture(scope="session")
def stack(kafka: LocalBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder, port, gateway = tmp_path_factory.mktemp("stack"), free_port(), free_port()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ASSAY_")}
    environment |= {
        "ASSAY_KAFKA": kafka.address,
        "ASSAY_FOLDER": str(folder),
        "ASSAY_PREFIX": "browser.",
        "ASSAY_PARTITIONS": "2",
        "ASSAY_CONSOLE_PORT": str(port),
        "ASSAY_GATEWAY_PORT": str(gateway),
        "ASSAY_ALERTS_PORT": str(free_port()),
        "ASSAY_ALERTS_ALLOW": "127.0.0.0/8",
    }
    stack = Stack(folder, environment, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{gateway}")
    for name in WORKERS:
        stack.start(name)
    try:
        wait_for(lambda: _answers(stack.url) and _answers(stack.gateway), seconds=60, what="console and gateway")
        wait_for(lambda: "partitions_ready" in stack.log_of("archive"), seconds=60, what="the archive")
        (folder / "contract.yaml").write_text(CONTRACT.model_copy(update={"model": None}).model_dump_json())
        stack.assay("contract", "apply", str(folder / "contract.yaml"))
        stack.key = stack.assay("key", "create", "--name", "test", "--scope", "write", "-q")
        yield stack
    finally:
        for name in list(stack.processes):
            stack.stop(name)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed here: `apt-get install chromium` runs these tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def first_link(stack: Stack) -> str:
    links: set[str] = set(re.findall(r"http://\S+/welcome\?token=[\w-]+", stack.log_of("console")))
    (link,) = links
    return link


@pytest.fixture(scope="session")
def problems_of_the_first_page(first_link: str, chromium: Browser) -> list[str]:
    """Return what axe-core finds on the page of the one-time link, which is there only until the link is used."""
    return [
        problem for look in LOOKS for width in WIDTHS for problem in problems_of_form(chromium, first_link, look, width)
    ]


@pytest.fixture(scope="session")
def admins_cookies(
    first_link: str, chromium: Browser, problems_of_the_first_page: list[str]
) -> list[dict[str, object]]:
    """Become the first admin by the one-time link; return the cookies of that browser."""
    assert problems_of_the_first_page is not None  # they were looked for before the link is used
    link = first_link
    context = chromium.new_context()
    page = context.new_page()
    page.goto(link)
    page.fill("#password", PASSWORD)
    page.click("text=Create admin")
    page.wait_for_selector("h1:has-text('Overview')")
    cookies: list[dict[str, object]] = [dict(one) for one in context.cookies()]
    context.close()
    return cookies


@pytest.fixture
def admin(stack: Stack, chromium: Browser, admins_cookies: list[dict[str, object]]) -> Iterator[Page]:
    """Return a page of the admin's that fails a test for errors in its scripts."""
    context = chromium.new_context(base_url=stack.url, timezone_id="Europe/Lisbon")
    context.add_cookies(admins_cookies)  # they came from there
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


@pytest.fixture(scope="session")
def cookies_of() -> dict[str, list[dict[str, object]]]:
    return {}


@pytest.fixture
def sign_in(stack: Stack, chromium: Browser, cookies_of: dict[str, list[dict[str, object]]]) -> Iterator[SignIn]:
    """Make users as they are asked for, each in a browser of their own; errors in scripts fail the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def signed_in(name: str, role: str) -> Page:
        context = chromium.new_context(base_url=stack.url, timezone_id="Europe/Lisbon")
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        if name in cookies_of:
            context.add_cookies(cookies_of[name])  # they came from there
            return page
        stack.assay("user", "add", name, "--role", role, given=f"{PASSWORD}\n{PASSWORD}\n")
        page.goto("/sign-in")
        page.fill("#name", name)
        page.fill("#password", PASSWORD)
        page.click("button")
        settled(page, "/")
        cookies_of[name] = [dict(one) for one in context.cookies()]
        return page

    yield signed_in
    for context in contexts:
        context.close()
    assert errors == []


def problems(page: Page, width: int) -> list[str]:
    """Return the serious problems of access that axe-core finds, and whether the page is wider than the screen."""
    violations = [one for one in Axe().run(page).response["violations"] if one["impact"] in {"serious", "critical"}]
    wide = int(page.evaluate("document.documentElement.scrollWidth"))
    lines = [f"{one['id']}: {node['html'][:200]}" for one in violations for node in one["nodes"][:3]]
    return lines + ([f"{wide} pixels wide on a screen of {width}"] if wide > width else [])


def problems_of_form(chromium: Browser, address: str, look: str, width: int) -> list[str]:
    """Return the problems of a page of the sign-in, which is light or dark as the browser is."""
    scheme: Any = look
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("main form, main .other")
    found = problems(page, width)
    context.close()
    return [f"{look}, {width}: {one}" for one in found]


def settled(page: Page, path: str) -> Page:
    """Open a page and wait until its content is there."""
    page.goto(path)
    page.wait_for_selector("#main h1")
    page.wait_for_function("() => document.cookie.includes('assay_zone=')")
    page.wait_for_selector("#main h1")
    return page


def drawn(page: Page) -> Page:
    """Wait until every visible chart of a page is drawn: ECharts has put a canvas into it."""
    page.wait_for_function(_CHARTS_ARE_DRAWN)
    return page


def moment() -> float:
    """Return the time, for reports only."""
    return time.monotonic()
