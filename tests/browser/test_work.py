"""What people do in the console: review by keyboard, handle alerts, subscribe; and who may not."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from assay_services.alerts.delivery.channels import signed
from tests.browser.conftest import (
    LOOKS,
    WIDTHS,
    SignIn,
    Stack,
    annotation,
    drawn,
    problems,
    problems_of_form,
    settled,
)
from tests.services.alerts.receivers import receiving
from tests.support.processes import wait_for

pytestmark = pytest.mark.browser
DESK, LOUD = "desk", "loud"
LABELS = ("safe", "adult", "scam")
PATIENCE_MS = 30_000
WAITING = 14
MAIN = "#main"


def a_contract(project: str, **more: object) -> str:
    return json.dumps(
        {"project": project, "version": 1, "label": {"kind": "categorical", "values": list(LABELS)}, **more}
    )


@pytest.fixture(scope="session")
def disputed(stack: Stack) -> Stack:
    """Return the stack with items on which nobody agrees; each by other people, so that no decision settles two."""
    stack.put_in_force(a_contract(DESK))
    stack.send(
        *(
            annotation(f"quarrel-{n:02d}", f"{who}-{n}", label, back=30, project=DESK)
            for n in range(WAITING)
            for who, label in zip(("anna", "ben", "cora"), LABELS, strict=True)
        )
    )
    return stack


def item_of(page: Page) -> Locator:
    return page.locator(f"{MAIN} .review-item h2 a")


def assigned_item(page: Page) -> str:
    """Wait until a page shows an item to review; return its id."""
    expect(item_of(page)).to_be_visible(timeout=PATIENCE_MS)
    return item_of(page).inner_text()


@pytest.mark.usefixtures("disputed")
def test_two_reviewers_at_once_decide_by_keyboard_and_never_have_the_same_item(sign_in: SignIn) -> None:
    reviewers = [sign_in("rita", "reviewer"), sign_in("sami", "reviewer")]
    for page in reviewers:
        settled(page, f"/review?project={DESK}")

    decided: list[str] = []
    for _ in range(3):
        at_once = [assigned_item(page) for page in reviewers]
        assert len(set(at_once)) == len(reviewers)
        for page, item in zip(reviewers, at_once, strict=True):
            page.keyboard.press("3")
            expect(item_of(page)).not_to_have_text(item)
        decided += at_once

    assert len(set(decided)) == len(decided)
    for page in reviewers:
        expect(page.locator(MAIN)).to_contain_text("✓ in the consensus", timeout=PATIENCE_MS)
        expect(page.locator(MAIN)).to_contain_text("3 decided")
    settled(reviewers[0], f"/item?project={DESK}&item={decided[-1]}")
    expect(reviewers[0].locator(MAIN)).to_contain_text("adjudicated")


@pytest.mark.usefixtures("disputed")
def test_an_undone_decision_leaves_the_consensus_and_its_item_is_open_again(sign_in: SignIn) -> None:
    page = sign_in("rita", "reviewer")
    settled(page, f"/review?project={DESK}")
    item = assigned_item(page)
    page.keyboard.press("2")
    expect(page.locator(MAIN)).to_contain_text("✓ in the consensus", timeout=PATIENCE_MS)

    page.keyboard.press("u")

    expect(item_of(page)).to_have_text(item)
    expect(page.locator(MAIN)).to_contain_text(f"Undone: {item}")

    def is_disputed_again() -> bool:
        settled(page, f"/item?project={DESK}&item={item}")
        return "adjudicated" not in page.locator(f"{MAIN} dl").first.inner_text()

    wait_for(is_disputed_again, seconds=30, what="the item is disputed again")


@pytest.mark.usefixtures("disputed")
def test_earlier_votes_are_seen_by_pseudonym_and_hidden_from_who_wants_to_be_blind(sign_in: SignIn) -> None:
    page = sign_in("rita", "reviewer")
    settled(page, f"/review?project={DESK}")
    assigned_item(page)
    expect(page.locator(MAIN)).to_contain_text("Earlier votes, with annotator reliability")
    assert "anna" not in page.locator(MAIN).inner_text()

    page.get_by_role("link", name="Hide", exact=True).click()

    expect(page.get_by_role("link", name="Show", exact=True)).to_be_visible()
    assigned_item(page)
    expect(page.locator(MAIN)).not_to_contain_text("with annotator reliability")
    expect(page.locator(MAIN)).not_to_contain_text("Current probabilities:")


@pytest.mark.usefixtures("disputed")
def test_a_skipped_item_is_free_for_the_other(sign_in: SignIn) -> None:
    rita, sami = sign_in("rita", "reviewer"), sign_in("sami", "reviewer")
    settled(rita, f"/review?project={DESK}")
    settled(sami, f"/review?project={DESK}")
    first, second = assigned_item(rita), assigned_item(sami)

    rita.keyboard.press("s")
    expect(item_of(rita)).not_to_have_text(first)
    sami.keyboard.press("s")
    expect(item_of(sami)).not_to_have_text(second)

    assert assigned_item(sami) == first


@pytest.fixture(scope="session")
def loud(stack: Stack) -> Stack:
    """Return the stack with a rule that fires at once, for each annotator, where labels are refused."""
    rule = {
        "id": "refused",
        "metric": "rejection-share",
        "where": {"annotator": "*", "window": "1h"},
        "above": 0.1,
        "at_least": 5,
        "severity": "critical",
        "runbook": "https://wiki.example/refused",
    }
    stack.put_in_force(a_contract(LOUD, alerts=[rule]))
    return stack


def firing(loud: Stack, page: Page, annotator: str) -> None:
    """Have two people's labels be refused until that alerts, and have the page of one of the alerts open."""
    row = page.locator(f"{MAIN} tbody tr", has_text=f"annotator {annotator} ")

    def fires() -> bool:
        settled(page, "/alerts")
        with suppress(PlaywrightTimeoutError):  # the page updates itself every two seconds
            row.first.wait_for(timeout=1_500)
            return True
        sent = f"{datetime.now(UTC):%H%M%S}"
        refused = [
            annotation(f"{who}-{sent}-{n}", who, "nonsense", back=300, project=LOUD)
            for who in ("carl", "dina")
            for n in range(8)
        ]
        newest = [annotation(f"ann-{sent}-{label}", "ann", label, project=LOUD) for label in ("safe", "nonsense")]
        loud.send(*refused, *newest)  # the newest of both verdicts lets the minutes before be over
        return False

    wait_for(fires, seconds=150, what=f"an alert about {annotator}")
    row.first.locator("a").first.click()
    expect(page.locator("h1")).to_contain_text("rejection share")


def test_a_lead_acknowledges_silences_and_judges_an_alert(loud: Stack, sign_in: SignIn) -> None:
    lead = sign_in("lea", "lead")
    firing(loud, lead, "carl")
    address = lead.url
    expect(lead.locator(MAIN)).to_contain_text("● firing")

    lead.click("text=Silence for 1 hour")
    expect(lead.locator(".q-notification")).to_contain_text("Enter a comment first")
    lead.get_by_label("Comment").fill("talking to carl")
    lead.click("text=Acknowledge")
    expect(lead.locator(MAIN)).to_contain_text("◐ acknowledged", timeout=PATIENCE_MS)
    expect(lead.locator(MAIN)).to_contain_text("lea: talking to carl")
    lead.get_by_label("Comment").fill("known, he is new")
    lead.click("text=Silence for 1 hour")
    expect(lead.locator(f"{MAIN} dl").first).to_contain_text("by lea: known, he is new")
    lead.click("text=Mark as useful")
    expect(lead.locator(".q-notification", has_text="precision")).to_be_visible()

    settled(lead, "/alerts")
    expect(lead.locator(MAIN)).to_contain_text("Active silences")
    expect(lead.locator(MAIN)).to_contain_text("by lea: known, he is new")
    expect(lead.locator("table", has_text="Precision of each rule")).to_contain_text("1.00")
    lead.click("text=End silence")
    expect(lead.locator(MAIN)).not_to_contain_text("Active silences")
    settled(lead, address)
    expect(lead.locator(f"{MAIN} dl").first).not_to_contain_text("known, he is new")


def test_a_viewer_sees_alerts_by_pseudonym_and_has_no_button(loud: Stack, sign_in: SignIn) -> None:
    lead, viewer = sign_in("lea", "lead"), sign_in("vito", "viewer")
    firing(loud, lead, "dina")
    address = lead.url

    for path in ("/alerts", address):
        settled(viewer, path)
        expect(viewer.locator(MAIN)).to_contain_text("annotator ")
        assert "dina" not in viewer.content()
        assert "carl" not in viewer.content()
        assert viewer.locator(f"{MAIN} button, {MAIN} input").count() == 0
    for path in ("/subscriptions", "/subscription?name=team", "/review"):
        assert viewer.request.get(path).status == 403


def test_a_subscription_is_made_tested_paused_and_removed(stack: Stack, sign_in: SignIn) -> None:
    lead = sign_in("lea", "lead")
    with receiving() as receiver:
        settled(lead, "/subscriptions")
        lead.get_by_label("Name", exact=True).fill("team")
        lead.get_by_label("Address", exact=True).fill(receiver.url)
        lead.click("text=Subscribe >> nth=-1")
        secret = lead.locator(f"{MAIN} code", has_text="whsec_").inner_text()
        lead.click("text=Show all subscriptions")
        card = lead.locator(f"{MAIN} section", has=lead.locator("h2 a", has_text="team"))
        expect(card).to_contain_text("no known problem")
        assert "not-to-be-shown" not in lead.content()

        card.locator("text=Send a test").click()
        wait_for(lambda: receiver.taken, seconds=30, what="the test message")
        headers, raw = receiver.taken[0]

        at = int(headers["webhook-timestamp"])
        assert signed(secret, headers["webhook-id"], raw, at=at)["webhook-signature"] == headers["webhook-signature"]
        assert receiver.bodies[0]["data"]["text"] == "Assay reaches you."
    card.locator("text=Pause").click()
    expect(card).to_contain_text("paused by lea")
    card.locator("text=Resume").click()
    expect(card).to_contain_text("no known problem")
    settled(lead, "/subscription?name=team")
    expect(lead.locator(f"{MAIN} table")).to_contain_text("delivered", timeout=PATIENCE_MS)
    settled(lead, "/subscriptions")
    card.locator("text=Remove").click()
    expect(card).to_have_count(0)
    assert stack.assay("subscriptions").count("team") == 0


WHO = {"lea": "lead", "rita": "reviewer", "vito": "viewer"}
SEEN = [
    ("lea", f"/review?project={DESK}"),
    ("lea", "/alerts"),
    ("lea", "/alert"),
    ("lea", "/subscriptions"),
    ("rita", f"/review?project={DESK}"),
    ("vito", "/alerts"),
    ("vito", "/alert"),
]


@pytest.mark.parametrize(("who", "path"), SEEN)
@pytest.mark.usefixtures("disputed")
def test_a_page_of_work_has_no_serious_problem_of_access_and_fits_the_screen(
    who: str, path: str, loud: Stack, sign_in: SignIn
) -> None:
    page = sign_in(who, WHO[who])
    if path == "/alert":
        firing(loud, sign_in("lea", "lead"), "dina")
        settled(page, "/alerts")
        path = page.locator(f"{MAIN} tbody a").first.get_attribute("href") or path

    found = []
    for look in LOOKS:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.context.add_cookies([{"name": "assay_look", "value": look, "url": loud.url}])
            drawn(settled(page, path))
            found += [f"{look}, {width}: {one}" for one in problems(page, width)]

    assert found == []


def test_the_pages_of_signing_in_have_no_serious_problem_of_access(
    stack: Stack, chromium: Browser, problems_of_the_first_page: list[str]
) -> None:
    found = list(problems_of_the_first_page)

    for path in ("/sign-in", "/welcome?token=an-old-one"):
        for look in LOOKS:
            for width in WIDTHS:
                found += problems_of_form(chromium, stack.url + path, look, width)

    assert found == []
