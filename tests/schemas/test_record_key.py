"""A key names one project and one item, whatever their names hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_schemas.record_key import pair_key, plain_key, record_key, split_key

NAMES = st.text(alphabet=st.sampled_from("ab:%|3A7C25é"), min_size=1, max_size=8)


@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
def test_two_pairs_of_names_have_two_keys(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (record_key(*one) == record_key(*other)) == (one == other)
    assert (pair_key(*one) == pair_key(*other)) == (one == other)


@given(NAMES, NAMES)
def test_a_key_is_read_again(project: str, name: str) -> None:
    assert split_key(record_key(project, name)) == (project, name)


@pytest.mark.parametrize("project", ["ads", "ads-eu", "ads/eu", "äds"])
def test_the_key_of_a_project_without_a_colon_is_as_it_always_was(project: str) -> None:
    assert record_key(project, "eu:i|1%") == plain_key(project, "eu:i|1%") == f"{project}:eu:i|1%".encode()


def test_names_without_a_bar_make_the_pair_that_they_always_made() -> None:
    assert pair_key("a17", "b:2") == "a17|b:2"


@pytest.mark.parametrize("key", [b"", b"no-colon", b"\xff:a"])
def test_other_bytes_are_no_key(key: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # decoding and splitting both raise it
        split_key(key)
