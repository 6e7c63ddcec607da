import re
from pathlib import Path

import pytest

from assay_services.ingest.contract_files.contract_file import ContractError, load_contract

GOOD = """\
project: ads-safety
version: 7
label: {kind: categorical, values: [safe, scam]}
rules:
  - {id: too-fast, lead_time_below_seconds: 1.5}
  - id: no-text
    when: item.text == ''
    action: reject
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "c.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_good_contract_is_read(tmp_path: Path) -> None:
    contract = load_contract(written(tmp_path, GOOD))

    assert contract.version == 7
    assert [rule.id for rule in contract.rules] == ["too-fast", "no-text"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version: 7", "version: seven", ":2: version: "),
        ("version: 7\n", "", ":1: the field 'version' is missing"),
        ("version: 7", "version: 7\nredundncy: 3", ":3: redundncy: there is no such field; did you mean 'redundancy'?"),
        ("kind: categorical", "kind: category", ":3: label: "),
        ("values: [safe, scam]", "vals: [safe]", "did you mean 'values'?"),
        ("id: too-fast", "id: too-fst", ":5: rules[0]: there is no built-in rule 'too-fst'; did you mean 'too-fast'?"),
        ("lead_time_below_seconds", "lead_time_below", "did you mean 'lead_time_below_seconds'?"),
        ("item.text == ''", "item.txt == ''", ":7: rules[1].when: 'item.txt' does not exist; did you mean 'text'?"),
        ("item.text == ''", "label == 3", ":7: rules[1].when: "),
        ("project: ads-safety", "project: a\nproject: b", ":2: project: stands twice"),
        ("version: 7", "version: [", "is no YAML"),
        ("version: 7", "version: 7\n  x: 1", "is no YAML"),
    ],
)
def test_what_is_wrong_is_said_by_file_line_and_field(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = written(tmp_path, GOOD.replace(old, new))

    with pytest.raises(ContractError) as caught:
        load_contract(path)

    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_every_problem_is_listed(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("version: 7", "version: x").replace("too-fast", "too-fst"))

    with pytest.raises(ContractError) as caught:
        load_contract(path)

    assert [problem.line for problem in caught.value.problems] == [2, 5]


@pytest.mark.parametrize("text", ["- a\n", "", b"\xff\xfe\x00"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(ContractError):
        load_contract(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="cannot be read"):
        load_contract(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("{kind: categorical, values: [yes, no]}", "values[0]: YAML reads yes as true or false; write it in"),
        ("{kind: categorical, values: [1, 2]}", "label.values[0]: YAML reads 1 as a number; write it in quotes: '1'"),
        ("{kind: categorical, values: [a, 2026-01-01]}", "YAML reads 2026-01-01 as a date; write it in quotes"),
        ("{kind: categorical, values: [a, ~]}", "label.values[1]: YAML reads ~ as nothing; write it in quotes: '~'"),
        ("{kind: ordinal, values: [bad, ok]}", "kind 'ordinal' has no 'values': it has numbers from `low` to `high`"),
        ("{kind: categorical, low: 1, values: [a, b]}", "kind 'categorical' has no 'low': it has `values`"),
        ("{kind: categorical, value: [a, b]}", "there is no such field; did you mean 'values'?"),
    ],
)  # fmt: skip
def test_what_yaml_or_another_kind_makes_of_a_label_is_explained(tmp_path: Path, label: str, said: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(f"project: p\nversion: 1\nlabel: {label}\n")

    with pytest.raises(ContractError, match=re.escape(said)):
        load_contract(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &a [*a]\n", "c.yaml:1: an alias refers to what contains it; write it out"),
        ("a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{one}: &{one} [{','.join(['*' + before] * 9)}]\n"
            for before, one in zip("abcdefg", "bcdefgh", strict=True)
        ), "aliases unfold to more than 100,000 values; write out what is needed"),
        ("a: " + "[" * 5_000, "is nested too deeply"),
    ],
)  # fmt: skip
def test_a_file_that_unfolds_without_end_is_refused_at_once(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)

    with pytest.raises(ContractError, match=re.escape(said)):
        load_contract(path)


def test_an_alias_that_saves_a_line_is_read(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("project: p\nversion: 1\nlabel: {kind: spans, values: &v [a, b]}\nrules:\n"
                    "  - {id: annotator-allowed, allow: *v}\n")  # fmt: skip

    assert load_contract(path).rules
