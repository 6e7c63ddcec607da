"""The console as people use it: a real browser against the whole running stack."""

from itertools import count

import pytest
from playwright.sync_api import Browser, Page, expect

from assay_services.demo.run import CONTRACT
from assay_services.demo.simulator import PROJECT
from tests.browser.conftest import (
    LOOKS,
    PASSWORD,
    WIDTHS,
    Stack,
    annotation,
    drawn,
    moment,
    problems,
    settled,
)  # fmt: skip
from tests.support.processes import wait_for

pytestmark = pytest.mark.browser
HOSTILE = '"><img src=x onerror="window.hurt=1"><script>window.hurt=1</script>\u202e'
LONG = "w" * 100_000
PAGES = (
    "/",
    f"/project?project={PROJECT}",
    f"/annotators?project={PROJECT}",
    f"/annotator?project={PROJECT}&annotator=anna",
    f"/items?project={PROJECT}",
    f"/item?project={PROJECT}&item=seed-0",
    "/system",
)
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def seeded(stack: Stack) -> Stack:
    """Return the stack with forty items on which ben is wrong about every fourth."""
    votes = [
        annotation(f"seed-{n}", who, "adult" if who == "ben" and n % 4 == 0 else "safe", back=60 - n)
        for n in range(40)
        for who in ("anna", "ben", "cora")
    ]
    hostile = annotation("hostile", HOSTILE[:200], "safe", text=HOSTILE + LONG)
    stack.send(*votes, hostile)
    return stack


def test_a_live_update_is_seen_after_an_annotation_enters_the_gateway(seeded: Stack, admin: Page) -> None:
    settled(admin, "/")
    expect(admin.locator("#main")).to_contain_text("0.0 % rejected", timeout=PATIENCE_MS)

    began = moment()
    seeded.send(annotation("live-1", "anna", "no such label"))
    expect(admin.locator("#main")).not_to_contain_text("0.0 % rejected", timeout=PATIENCE_MS)

    print(f"seen {moment() - began:.2f} s after it was sent")  # noqa: T201  # what the report quotes


def test_a_cell_leads_to_the_items_behind_it(seeded: Stack, admin: Page) -> None:
    settled(admin, f"/project?project={PROJECT}")

    turns = count()

    def shows_confusion() -> bool:  # the confusion matrix is published now and then, while annotations arrive
        seeded.send(annotation(f"turn-{next(turns)}", "cora", "safe"))
        settled(admin, f"/project?project={PROJECT}")
        return bool(admin.locator("text=Cells as a table").count())

    wait_for(shows_confusion, seconds=90, what="the confusion matrix")
    admin.click("text=Cells as a table")
    admin.locator("a[href*='right=safe'][href*='given=adult']").first.click()

    expect(admin.locator("#main table")).to_contain_text("seed-0")
    expect(admin.locator("#main table")).not_to_contain_text("seed-5")
    admin.click("a[href$='item=seed-0']")
    expect(admin.locator("#main")).to_contain_text("Votes, with annotator reliability")
    expect(admin.locator("#main")).to_contain_text("ben")


@pytest.mark.usefixtures("admins_cookies")  # without an admin nobody can be disabled
def test_a_viewer_is_denied_what_a_lead_may_do(seeded: Stack, chromium: Browser) -> None:
    seeded.assay("user", "add", "vera", "--role", "viewer", given=f"{PASSWORD}\n{PASSWORD}\n")
    context = chromium.new_context(base_url=seeded.url)
    page = context.new_page()
    page.goto("/annotators")
    page.fill("#name", "vera")
    page.fill("#password", PASSWORD)
    page.click("button")
    page.wait_for_selector("#main table")

    assert "anna" not in page.content()
    assert "annotator " in page.inner_text("#main table")
    assert page.request.get("/metrics").status == 403
    seeded.assay("user", "disable", "vera")
    page.goto("/annotators")
    assert "/sign-in" in page.url
    context.close()


def test_a_dead_letter_is_sent_again_once_its_contract_is_there(seeded: Stack, admin: Page) -> None:
    late = CONTRACT.model_copy(update={"project": "late-project", "model": None})
    seeded.send(annotation("late-1", "anna", "safe") | {"project": "late-project"})

    def is_dead() -> bool:
        settled(admin, "/system")
        return bool(admin.locator(".letter").count())

    wait_for(is_dead, seconds=30, what="the dead letter")
    admin.locator(".letter summary").first.click()
    expect(admin.locator(".letter pre").first).to_contain_text("000000  7b")
    admin.locator(".letter .q-checkbox").first.click()

    admin.click("text=Resend selected")
    expect(admin.locator("#main")).to_contain_text("has no contract yet")
    (seeded.folder / "late.yaml").write_text(late.model_dump_json())
    seeded.assay("contract", "apply", str(seeded.folder / "late.yaml"))
    contracts = "/api/v1/contracts?project=late-project"
    wait_for(lambda: admin.request.get(contracts).json()["data"], seconds=30, what="the contract in the archive")
    admin.click("text=Resend selected")

    expect(admin.locator("#main")).to_contain_text("1 resent.", timeout=PATIENCE_MS)
    settled(admin, "/system")
    expect(admin.locator(".letter").first).to_contain_text("resent by")
    expect(admin.locator(".letter .q-checkbox")).to_have_count(0)
    expect(admin.locator("#main")).to_contain_text("balances", timeout=PATIENCE_MS)


@pytest.mark.usefixtures("seeded")
def test_hostile_names_and_texts_are_inert_and_long_ones_are_cut(admin: Page) -> None:
    settled(admin, f"/item?project={PROJECT}&item=hostile")

    expect(admin.locator("#main")).to_contain_text("<script>window.hurt=1</script>", timeout=PATIENCE_MS)
    expect(admin.locator("#main")).to_contain_text("⟦U+202E⟧")
    assert admin.locator("summary:has-text('Show all')").count() == 1
    for path in (f"/annotators?project={PROJECT}", f"/items?project={PROJECT}", f"/project?project={PROJECT}"):
        settled(admin, path)
        drawn(admin)
        assert admin.evaluate("window.hurt") is None
        assert admin.locator("#main img").count() == 0


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_has_no_serious_problem_of_access_and_fits_the_screen(
    path: str, look: str, width: int, seeded: Stack, admin: Page
) -> None:
    admin.set_viewport_size({"width": width, "height": 900})
    admin.context.add_cookies([{"name": "assay_look", "value": look, "url": seeded.url}])
    drawn(settled(admin, path))

    assert problems(admin, width) == []


def test_a_page_goes_on_by_itself_after_the_console_was_restarted(seeded: Stack, admin: Page) -> None:
    settled(admin, "/")
    seeded.stop("console")
    admin.wait_for_function("() => !window.socket.connected")
    seeded.start("console")

    expect(admin.locator("#main h1")).to_have_text("Overview", timeout=PATIENCE_MS)
    before = admin.locator("#main").inner_text()
    seeded.send(*(annotation(f"after-{n}", "dora", "scam") for n in range(30)))

    expect(admin.locator("#main")).not_to_have_text(before, timeout=PATIENCE_MS)
    expect(admin.locator("#main")).to_contain_text("scam", timeout=PATIENCE_MS)
