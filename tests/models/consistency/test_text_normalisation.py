import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_models.consistency.text_normalisation import MAX_TOKENS, normalise


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, WORLD!", "hello world"),
        ("", ""),
        (" \t\n--- ", ""),
        ("snake_case a1b2", "snake case a1b2"),
        ("\uff26\uff35\uff2c\uff2c \ufb01ne", "full fine"),
        ("Straße", "strasse"),
        ("I❤️you 👍🏽👍", "i ❤ you 👍 👍"),
        ("שלום, עולם!", "שלום עולם"),
        ("\u200fسلم، عليكم", "سلم عليكم"),
        ("हिन्दी भाषा", "हिन्दी भाषा"),
        ("你好 world", "你 好 world"),
        ("a\ud800b\x00c", "a b c"),
    ],
)
def test_text_becomes_lower_case_words_with_single_spaces(text: str, words: str) -> None:
    assert normalise(text) == words


def test_words_beyond_the_limit_do_not_count() -> None:
    assert normalise("word " * 3 * MAX_TOKENS) == " ".join(["word"] * MAX_TOKENS)


def test_a_text_without_end_is_cut_before_it_is_read() -> None:
    assert len(normalise("x" * 500_000)) == 16_384


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_and_other_text_follow_the_same_rules(text: str) -> None:
    assert normalise(text) == normalise(text + "\u200f")


@given(st.text())
def test_any_text_becomes_words_without_empty_ones(text: str) -> None:
    assert "" not in normalise(text).split(" ") or normalise(text) == ""
