"""Texts that look the same, and how a person is shown what differs."""

import pytest

from assay_schemas.lookalikes import look, spelled_out


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("caf\u00e9", "cafe\u0301"),
        ("bug", "b\u200bug"),
        ("bug", "\uff42\uff55\uff47"),
        ("a b", " a  b"),
        ("a b", "a\u00a0b"),
    ],
)
def test_some_texts_look_the_same(one: str, other: str) -> None:
    assert look(one) == look(other)


@pytest.mark.parametrize(("one", "other"), [("bug", "Bug"), ("a", "b"), ("l0", "lO")])
def test_others_do_not(one: str, other: str) -> None:
    assert look(one) != look(other)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bug", "'bug'"),
        ("caf\u00e9", "'caf\u00e9[U+00E9 latin small letter e with acute]'"),
        ("cafe\u0301", "'cafe[U+0301 combining acute accent]'"),
        ("b\u200bug", "'b[U+200B zero width space]ug'"),
        ("a\tb", "'a[U+0009 no name]b'"),
    ],
)
def test_what_differs_is_spelled_out(text: str, shown: str) -> None:
    assert spelled_out(text) == shown
