"""Training sets: who goes into which split, and what the card says of it."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_schemas.json_data import Json
from assay_services.export.core.data_card import Card, Request, agreement_of, as_markdown, counted
from assay_services.export.core.dataset import UNSPLIT, DatasetRow, ExportImpossible, label_of, read_splits, split_all

THREE = read_splits("train/val/test=0.8/0.1/0.1")


def an_example(number: int, **changes: Json) -> DatasetRow:
    plain = DatasetRow(f"i-{number}", "a text", "safe", 0.9, "accepted", 3, 0, None, {"market": "BR"}, None, None, "")
    return plain._replace(**changes)


def some_examples(count: int) -> list[DatasetRow]:
    return [
        an_example(n, label="scam" if n % 4 == 0 else "safe", attributes={"market": "DE" if n % 2 else "BR"})
        for n in range(count)
    ]


def test_a_split_is_read_with_its_names_and_shares() -> None:
    assert THREE == (("train", 0.8), ("val", 0.1), ("test", 0.1))


@pytest.mark.parametrize(
    "text", ["", "train", "a/b=1", "a/b=0.5/0.6", "a/a=0.5/0.5", "a/b=1/0", "../b=0.5/0.5", "a/b=x/y", "a/b=nan/1"]
)
def test_an_impossible_split_is_refused(text: str) -> None:
    with pytest.raises(ExportImpossible):
        read_splits(text)


def test_the_same_seed_splits_alike_whatever_the_order_and_another_seed_otherwise() -> None:
    some = some_examples(300)

    first = split_all(some, THREE, stratify=(), seed=7)

    assert first == split_all(reversed(some), THREE, stratify=(), seed=7)
    assert first != split_all(some, THREE, stratify=(), seed=8)
    assert [one.item for one in first] == sorted(one.item for one in some)


def test_without_strata_an_item_keeps_its_split_when_others_come() -> None:
    few = {one.item: one.split for one in split_all(some_examples(100), THREE, stratify=(), seed=7)}
    many = {one.item: one.split for one in split_all(some_examples(500), THREE, stratify=(), seed=7)}

    assert few.items() <= many.items()


def test_strata_are_divided_as_exactly_as_their_size_allows() -> None:
    divided = split_all(some_examples(400), THREE, stratify=("label", "market"), seed=7)

    # 100 scam (all BR), 100 safe in BR, 200 safe in DE.
    found = Counter((one.label, one.attributes["market"], one.split) for one in divided)
    assert {key: count for key, count in found.items() if key[2] == "train"} == {
        ("scam", "BR", "train"): 80,
        ("safe", "BR", "train"): 80,
        ("safe", "DE", "train"): 160,
    }
    assert sum(found.values()) == 400


@given(st.integers(0, 60), st.integers(), st.lists(st.sampled_from(["label", "status", "market"])))
def test_every_item_has_exactly_one_split(count: int, seed: int, strata: list[str]) -> None:
    divided = split_all(some_examples(count), THREE, stratify=strata, seed=seed)

    assert len({one.item for one in divided}) == count
    assert {one.split for one in divided} <= {name for name, _ in THREE}


def test_a_label_comes_back_as_it_was_given() -> None:
    assert label_of("4", "text") == "4"
    assert label_of("4", "number") == 4
    assert label_of('["a"]', "list") == ["a"]
    assert label_of(None, None) is None


def test_agreement_is_that_of_the_labels_kind() -> None:
    texts = agreement_of([["a", "a"], ["a", "b"], ["b", "b"], ["a", "a"]])
    numbers = agreement_of([[1, 1], [1, 2], [4, 5]])
    lists = agreement_of([[["a"], ["a", "b"]], [["b"], ["b"]]])

    assert texts.coefficient == "krippendorff-alpha"
    assert (texts.low or 0) < (texts.value or 0)
    assert numbers.coefficient == "krippendorff-alpha-ordinal"
    assert lists.coefficient == "krippendorff-alpha-jaccard"


@pytest.mark.parametrize(
    "labels", [[], [["a"]], [["a", "a"]], [[[{"start": 0}]]], [[str(n), str(n)] for n in range(1_001)]]
)
def test_agreement_that_is_undefined_says_why(labels: Json) -> None:
    found = agreement_of(labels)

    assert found.value is None
    assert found.why


def test_a_card_adds_up_and_stays_one_table_whatever_the_labels_are() -> None:
    examples = [
        an_example(1, label="a | b\n# c", split="train", corrections=1),
        an_example(2, label=["a"], split="test", probability=None),
    ]
    request = Request("ads | safety", "jsonl", None, None, dict(UNSPLIT), ("label",), 7)

    card = Card(
        request=request, data_file="data.jsonl", sha256="0" * 64, made_at="now", made_by="assay",
        contract_versions=(1, 2), agreement=agreement_of([]), **counted(examples),
    )  # fmt: skip
    text = as_markdown(card)

    assert card.rows == sum(card.rows_by_split.values()) == 2
    assert card.corrections == 1
    assert card.mean_probability == 0.9
    assert "| a \\| b # c | 0 | 1 |" in text
    assert card.as_dict()["labels_by_split"] == {"test": {'["a"]': 1}, "train": {"a | b\n# c": 1}}


def test_an_agreement_that_is_known_stands_on_the_card_with_its_interval() -> None:
    request = Request("p", "csv", "2026-11-01 00:00:00.000000", 0.9, dict(THREE), (), 0)

    card = Card(
        request=request, data_file="data.csv", sha256="0" * 64, made_at="now", made_by="assay",
        contract_versions=(), agreement=agreement_of([["a", "a"], ["a", "b"], ["b", "b"]]), **counted([]),
    )  # fmt: skip

    assert "krippendorff-alpha 0." in as_markdown(card)
    assert "with a probability of at least 0.9" in as_markdown(card)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("labels", "did you mean 'label'?"),
        ("marked", "did you mean 'market'?"),
        ("zzz", "there are label, status, market"),
    ],
)
def test_strata_that_do_not_exist_are_refused(name: str, hint: str) -> None:
    with pytest.raises(ExportImpossible, match=re.escape(f"no item has an attribute '{name}'; {hint}")):
        split_all(some_examples(4), THREE, stratify=["label", name], seed=1)
