"""Which message goes out when: alerts of one rule together, too many as a digest, nothing lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_schemas.alert import Alert
from assay_schemas.json_data import Json
from assay_services.alerts.delivery.messages import MOST_IN_A_MESSAGE, Message, Waiting, as_text, next_message, wants
from assay_services.stores.control.tables.alert_delivery import Subscription

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GROUP = timedelta(seconds=2)


def an_alert(**changes: Json) -> Alert:
    plain: dict[str, Any] = {
        "id": "f1", "transition": "f1-1", "project": "ads", "rule": "low", "state": "firing", "was": None,
        "at": NOW, "since": NOW, "severity": "warning", "value": 0.4, "threshold": 0.6,
        "labels": {"label": "scam", "annotator": "w1"}, "summary": "agreement is low", "runbook": None, "by": None,
        "why": None, "silenced_by": [], "inhibited_by": [], "flapping": False, "evidence": {"count": 3},
    }  # fmt: skip
    return Alert.model_validate(plain | changes)


def a_subscription(**changes: Any) -> Subscription:  # noqa: ANN401  # columns
    plain: dict[str, Any] = {
        "name": "night", "channel": "webhook", "target": "t", "secrets": "s", "severity": "info",
        "states": "firing resolved", "per_hour": 3, "created_at": NOW,
    }  # fmt: skip
    return Subscription(**plain | changes)


def waiting(number: int, *, seconds_ago: float = 10, **changes: Json) -> Waiting:
    content = an_alert(id=f"f{number}", transition=f"f{number}-1", **changes).model_dump(mode="json")
    return Waiting(number, content, NOW - timedelta(seconds=seconds_ago))


@pytest.mark.parametrize(
    ("subscription", "alert", "told", "expected"),
    [
        ({}, {}, None, True),
        ({"project": "ads", "rule": "low", "label": "scam", "annotator": "w1"}, {}, None, True),
        ({"project": "other"}, {}, None, False),
        ({"rule": "other"}, {}, None, False),
        ({"label": "safe"}, {}, None, False),
        ({"annotator": "w2"}, {}, None, False),
        ({"severity": "critical"}, {}, None, False),
        ({"severity": "critical"}, {"severity": "critical"}, None, True),
        ({"states": "resolved"}, {}, None, False),
        ({}, {"silenced_by": ["q"]}, None, False),
        ({}, {"inhibited_by": ["r"]}, None, False),
        ({"disabled_at": NOW}, {}, None, False),
        ({}, {"state": "pending"}, None, False),
        ({}, {"state": "resolved"}, None, False),
        ({}, {"state": "resolved"}, "firing", True),
        ({}, {"state": "resolved", "silenced_by": ["q"]}, "firing", True),
        ({}, {"state": "resolved"}, "resolved", False),
        ({"disabled_at": NOW}, {"state": "resolved"}, "firing", False),
    ],
)
def test_people_hear_what_they_asked_for_and_the_end_only_of_what_they_heard_begin(
    subscription: dict[str, Any], alert: dict[str, Any], told: str | None, *, expected: bool
) -> None:
    assert wants(a_subscription(**subscription), an_alert(**alert), told=told) is expected


def test_alerts_of_one_rule_go_together_once_they_were_gathered() -> None:
    some = [waiting(1), waiting(2, rule="other"), waiting(3)]

    made = next_message(a_subscription(), some, [], now=NOW, group=GROUP)

    assert isinstance(made, Message)
    assert list(made.notices) == [1, 3]
    assert made.body["type"] == "alerts.firing"
    assert made.body["data"]["count"] == 2
    assert next_message(a_subscription(), [waiting(1, seconds_ago=1)], [], now=NOW, group=GROUP) == NOW + GROUP / 2
    assert next_message(a_subscription(), [], [], now=NOW, group=GROUP) is None


def test_more_than_the_budget_waits_and_then_comes_as_one_digest() -> None:
    sent = [NOW - timedelta(minutes=minutes) for minutes in (70, 50, 40, 10)]
    some = [waiting(number, rule=f"r{number}") for number in range(5)]

    full = next_message(a_subscription(), some, sent, now=NOW, group=GROUP)
    later = next_message(a_subscription(), some, sent, now=NOW + timedelta(minutes=10), group=GROUP)

    assert full == NOW + timedelta(minutes=10)
    assert isinstance(later, Message)
    assert later.body["type"] == "alerts.digest"
    assert list(later.notices) == [0, 1, 2, 3, 4]
    assert "evidence" not in later.body["data"]["alerts"][0]
    assert as_text(later.body)[0] == "Assay: 5 alerts were held back"


def test_a_message_is_written_for_people_too() -> None:
    one, many = waiting(1, runbook="https://wiki.example/low"), [waiting(2), waiting(3)]

    alone = next_message(a_subscription(), [one], [], now=NOW, group=GROUP)
    together = next_message(a_subscription(), many, [], now=NOW, group=GROUP)

    assert isinstance(alone, Message)
    assert isinstance(together, Message)
    assert as_text(alone.body) == (
        "Assay: ads/low firing",
        "[warning] firing 2026-11-24T12:00:00Z: agreement is low (f1) - https://wiki.example/low",
    )
    assert as_text(together.body)[0] == "Assay: ads/low firing x2"
    assert as_text({"type": "test", "data": {"text": "hello"}}) == ("Assay: a test", "hello")


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=40), st.integers(1, 5))
def test_every_notice_goes_out_exactly_once_whatever_the_budget(rules: list[str], per_hour: int) -> None:
    left = [waiting(number, rule=rule) for number, rule in enumerate(rules)]
    sent: list[datetime] = []
    gone: list[int] = []
    now = NOW

    while (made := next_message(a_subscription(per_hour=per_hour), left, sent, now=now, group=GROUP)) is not None:
        if isinstance(made, datetime):
            assert made > now
            now = made
            continue
        gone += made.notices
        left = [one for one in left if one.id not in made.notices]
        sent.append(now)

    assert sorted(gone) == list(range(len(rules)))
    assert all(sum(at - timedelta(hours=1) < other <= at for other in sent) <= per_hour for at in sent)


def test_a_wave_is_cut_into_messages_of_bounded_size() -> None:
    some = [waiting(number) for number in range(MOST_IN_A_MESSAGE + 5)]

    made = next_message(a_subscription(), some, [], now=NOW, group=GROUP)

    assert isinstance(made, Message)
    assert len(made.notices) == MOST_IN_A_MESSAGE
