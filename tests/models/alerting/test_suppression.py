"""Silences and inhibition."""

import pytest

from assay_models.alerting.suppression import Silence, inhibited_by, named, silenced_by

ALERT = named("ads", "rejections", "warning", {"annotator": "w-7", "market": "BR"})


@pytest.mark.parametrize(
    ("silence", "now", "expected"),
    [
        (Silence("q", "", {"annotator": "w-7"}, 100), 50, ["q"]),
        (Silence("q", "", {"annotator": "~w-*"}, 100), 50, ["q"]),
        (Silence("q", "ads", {"rule": "rejections", "severity": "warning"}, 100), 50, ["q"]),
        (Silence("q", "ads", {}, 100), 50, ["q"]),
        (Silence("q", "other", {}, 100), 50, []),
        (Silence("q", "", {"annotator": "w-8"}, 100), 50, []),
        (Silence("q", "", {"label": "scam"}, 100), 50, []),
        (Silence("q", "", {"annotator": "w-7"}, 100), 100, []),
    ],
)
def test_a_silence_covers_what_all_its_matchers_match_until_its_end(
    silence: Silence, now: int, expected: list[str]
) -> None:
    assert silenced_by([silence], ALERT, now=now) == expected


@pytest.mark.parametrize(
    ("wanted", "value", "is_covered"),
    [
        ("spam [auto]", "spam [auto]", True),
        ("~spam [auto]", "spam [auto]", True),
        ("~spam [*]", "spam [auto]", True),
        ("~spam [a]", "spam a", False),
        ("w-*", "w-7", False),
        ("w-*", "w-*", True),
        ("~w-?", "w-7", True),
        ("~w-?", "w-77", False),
        ("why?", "whyx", False),
    ],
)
def test_a_label_is_meant_as_it_is_written_unless_a_tilde_says_pattern(
    wanted: str, value: str, *, is_covered: bool
) -> None:
    alert = named("p", "r", "warning", {"label": value})

    assert (silenced_by([Silence("q", "p", {"label": wanted}, 100)], alert, now=0) == ["q"]) is is_covered


def test_an_alert_about_everything_makes_those_about_its_parts_redundant() -> None:
    whole = named("ads", "no-data", "critical", {})
    same_market = named("ads", "market-quiet", "critical", {"market": "BR"})
    other_market = named("ads", "market-quiet", "critical", {"market": "DE"})
    elsewhere = named("other", "no-data", "critical", {})

    assert inhibited_by(ALERT, ["no-data"], [whole]) == ["no-data"]
    assert inhibited_by(ALERT, ["market-quiet"], [same_market, same_market]) == ["market-quiet"]
    assert inhibited_by(ALERT, ["market-quiet", "no-data"], [other_market, elsewhere]) == []
    assert inhibited_by(ALERT, [], [whole]) == []
