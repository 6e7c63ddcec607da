"""The validator decides rightly: every record comes to one verdict, and nothing is lost."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_models.consistency.label_score import Score
from assay_models.rules.ruleset import compile_contract
from assay_schemas.annotation import AnnotationId, AnnotatorId, Item, Label
from assay_schemas.verdict import RejectedAnnotation, ValidatedAnnotation
from assay_services.engine.core.core_api import Output, Step
from assay_services.engine.core.state import PartitionState
from assay_services.validator.core.item_state import ValidatorItem, load_item
from assay_services.validator.core.step import BatchOrigin, ValidatorCore, ValidatorProject
from tests.services.validator.records import NOW_MS, ARecord, a_record, a_validator
from tests.support.builders import GOOD, NOW, a_contract, an_item, annotation_input

DAY_MS = 86_400_000


class HalfSure:
    """A model that finds every label half probable, and counts how many items it looked at."""

    mark = 1

    def __init__(self) -> None:
        self.looked_at: list[str] = []

    def views(self, items: Sequence[Item]) -> Sequence[Sequence[float]]:
        self.looked_at += [item.id for item in items]
        return [(0.5, 0.5)] * len(items)

    def score(self, view: Sequence[float], label: Label | None) -> Score | None:
        return Score(view[0], label or "safe", view[0], below_threshold=True)


def outcome(step: Step) -> list[str]:
    return [output.topic.removeprefix("annotations.") for output in step.outputs]


def test_a_good_annotation_is_validated_and_kept_byte_for_byte() -> None:
    record = a_record()

    step = a_validator().step(PartitionState(), [record])

    assert outcome(step) == ["validated"]
    assert record.value is not None
    assert record.value in (step.outputs[0].value or b"")
    ValidatedAnnotation.model_validate_json(step.outputs[0].value or b"")


def test_a_broken_rule_rejects_and_says_which_and_why() -> None:
    step = a_validator().step(PartitionState(), [a_record(label="scm")])

    rejected = RejectedAnnotation.model_validate_json(step.outputs[0].value or b"")
    assert outcome(step) == ["rejected"]
    assert [found.rule for found in rejected.findings] == ["known-label"]
    assert "scam" in rejected.findings[0].message
    assert step.notes["findings", "ads-safety", "known-label", "reject"] == 1


def test_the_verdict_names_the_contract_version() -> None:
    step = a_validator(version=9).step(PartitionState(), [a_record()])

    assert orjson.loads(step.outputs[0].value or b"")["contract_version"] == 9


def test_the_verdict_carries_the_cloud_event_of_the_annotation() -> None:
    headers = dict(a_validator().step(PartitionState(), [a_record(offset=7)]).outputs[0].headers)

    assert headers["ce_id"] == b"an-881"
    assert headers["ce_type"] == b"assay.annotation.validated"
    assert headers["ce_time"] == b"2026-11-24T12:00:00.000Z"
    assert headers["assay-offset"] == b"7"


@pytest.mark.parametrize(
    ("value", "reason", "field"),
    [
        (None, "null-value", "value"),
        (b"\xff\xfe", "not-utf-8", "value"),
        (b"no json", "not-json", "value"),
        (b"", "not-json", "value"),
        (b"[" * 5_000, "not-json", "value"),
        (b"x" * 1_048_577, "too-large", "value"),
        (b"{}", "invalid-missing", "id"),
    ],
)
def test_what_is_no_annotation_is_buried_with_its_reason(value: bytes | None, reason: str, field: str) -> None:
    step = a_validator().step(PartitionState(), [ARecord(value, key=None, headers=[("h", b"v")])])

    letter = step.outputs[0]
    headers = dict(letter.headers)
    assert (letter.topic, letter.value, letter.key) == ("annotations.dead", value, None)
    assert headers["assay-reason"] == reason.encode()
    assert headers["assay-field"] == field.encode()
    assert headers["h"] == b"v"
    assert headers["__connect.errors.topic"] == b"annotations"
    assert headers["__connect.errors.exception.message"]


def test_a_row_that_a_reader_could_not_read_is_buried_with_its_reason_even_if_it_looks_well() -> None:
    good, marked = a_record(), a_record()
    marked = ARecord(marked.value, headers=[("h", b"v"), ("assay-unreadable", b"a.csv:3: the row has 5 cells")])
    empty = ARecord(None, headers=[("assay-unreadable", None)])

    step = a_validator().step(PartitionState(), [good, marked, empty])

    assert outcome(step) == ["dead", "dead", "validated"]
    headers = dict(step.outputs[0].headers)
    assert step.outputs[0].value == marked.value
    assert headers["__connect.errors.exception.message"] == b"a.csv:3: the row has 5 cells"
    assert (headers["assay-reason"], headers["assay-field"]) == (b"unreadable-row", b"value")


def test_an_annotation_of_an_unknown_project_is_buried_with_a_way_out() -> None:
    step = a_validator().step(PartitionState(), [a_record(project="nobody")])

    headers = dict(step.outputs[0].headers)
    assert outcome(step) == ["dead"]
    assert headers["assay-field"] == b"project"
    assert b"assay contract apply" in (headers["__connect.errors.exception.message"] or b"")


def test_a_key_that_stands_twice_is_buried_and_named() -> None:
    raw = a_record().value or b""
    twice = raw.replace(b'"label":"safe"', b'"label":"safe","label":"scam"')
    spaced = raw.replace(b'"label":"safe"', b'"label" :"safe","label":"scam"')

    step = a_validator().step(PartitionState(), [ARecord(twice), ARecord(spaced)])

    assert outcome(step) == ["dead", "dead"]
    assert all(dict(letter.headers)["assay-field"] == b"label" for letter in step.outputs)


def test_spaces_and_quoted_colons_are_no_repeated_keys() -> None:
    spaced = (a_record(id="one").value or b"").replace(b'":', b'" : ')
    quoted = a_record(id="two", item=an_item(id="j", text='say "x": y'))

    step = a_validator().step(PartitionState(), [ARecord(spaced), quoted])

    assert outcome(step) == ["validated", "validated"]


def test_keys_are_counted_in_every_part_of_an_annotation() -> None:
    span = {"start": 0, "end": 4, "label": "person"}
    media = {"uri": "x", "width": 5, "height": 5}
    whole = a_record(label=[span], source={"platform": "p"}, item=an_item(media=media, gold=[span]), prelabel=["a"])

    step = a_validator(label={"kind": "spans", "values": ["person"]}).step(PartitionState(), [whole])

    assert outcome(step) == ["validated"]


def test_two_annotations_in_one_value_are_no_annotation() -> None:
    raw = a_record().value or b""

    step = a_validator().step(PartitionState(), [ARecord(raw + b"," + raw), a_record(id="x")])

    assert outcome(step) == ["dead", "validated"]


def test_one_bad_record_does_not_spoil_its_batch() -> None:
    step = a_validator().step(PartitionState(), [a_record(id="1"), ARecord(b"?"), a_record(id="2")])

    assert sorted(outcome(step)) == ["dead", "validated", "validated"]


def test_the_same_delivery_again_is_superseded() -> None:
    step = a_validator().step(PartitionState(), [a_record(), a_record()])

    assert outcome(step) == ["validated"]
    assert step.verdicts == {"validated": 1, "superseded": 1}


def test_an_older_state_that_comes_late_is_superseded() -> None:
    old, new = (NOW - timedelta(minutes=m) for m in (9, 5))

    step = a_validator().step(
        PartitionState(), [a_record(id="b", occurred_at=new.isoformat()), a_record(id="a", occurred_at=old.isoformat())]
    )

    assert step.verdicts == {"validated": 1, "superseded": 1}


def test_of_two_states_of_one_moment_the_greater_id_wins_whatever_the_order() -> None:
    orders = [("a", "b"), ("b", "a")]
    kept = []
    for order in orders:
        state = PartitionState()
        for name in order:
            state.apply(a_validator().step(state, [a_record(id=name)]).changes)
        kept.append(load_item(state.get(b"ads-safety:i-204")).votes[AnnotatorId("a17")][1])

    assert kept == ["b", "b"]


def test_a_rejected_annotation_supersedes_nothing() -> None:
    later = (NOW - timedelta(seconds=1)).isoformat()

    step = a_validator().step(PartitionState(), [a_record(id="new", label="?", occurred_at=later), a_record(id="old")])

    assert outcome(step) == ["rejected", "validated"]


def test_duplicates_are_known_across_batches() -> None:
    state, core = PartitionState(), a_validator()
    state.apply(core.step(state, [a_record()]).changes)

    assert core.step(state, [a_record()]).verdicts == {"superseded": 1}


def test_a_deletion_needs_no_label_and_is_remembered() -> None:
    deletion = a_record(id="z", action="deleted", label=None, occurred_at=NOW.isoformat())

    step = a_validator().step(PartitionState(), [deletion, a_record()])

    assert step.verdicts == {"validated": 1, "superseded": 1}


def test_an_item_that_is_complete_and_quiet_is_dropped() -> None:
    state, core = PartitionState(), a_validator(redundancy=1)
    state.apply(core.step(state, [a_record()]).changes)

    step = core.step(state, [a_record(item=an_item(id="other"), timestamp=NOW_MS + DAY_MS + 60_000)])

    assert step.changes[b"ads-safety:i-204"] is None


def test_an_item_that_is_not_complete_is_kept_longer() -> None:
    state, core = PartitionState(), a_validator(redundancy=2)
    state.apply(core.step(state, [a_record()]).changes)

    step = core.step(state, [a_record(item=an_item(id="other"), timestamp=NOW_MS + DAY_MS + 60_000)])

    assert b"ads-safety:i-204" not in step.changes


def test_an_empty_batch_changes_nothing() -> None:
    step = a_validator().step(PartitionState(), [])

    assert (step.outputs, step.changes, step.verdicts) == ([], {}, {})


def test_the_model_scores_every_label_and_its_doubt_is_a_finding() -> None:
    step = a_validator(HalfSure()).step(PartitionState(), [a_record()])

    verdict = ValidatedAnnotation.model_validate_json(step.outputs[0].value or b"")
    assert verdict.score is not None
    assert verdict.score.label_probability == 0.5
    assert [found.rule for found in verdict.findings] == ["model-disagrees"]


def test_the_model_looks_at_an_open_item_once() -> None:
    model, state = HalfSure(), PartitionState()
    core = a_validator(model)
    batch = [a_record(id=str(n), annotator={"id": f"a{n}"}) for n in range(3)]
    state.apply(core.step(state, batch).changes)

    core.step(state, [a_record(id="x", annotator={"id": "a9"})])

    assert model.looked_at == ["i-204"]


def test_the_model_looks_again_when_the_item_has_changed() -> None:
    model, state = HalfSure(), PartitionState()
    core = a_validator(model)
    state.apply(core.step(state, [a_record()]).changes)

    core.step(state, [a_record(id="x", annotator={"id": "a9"}, item=an_item(text="new", features=[1.0]))])

    assert model.looked_at == ["i-204", "i-204"]


def test_the_score_is_the_same_whether_the_item_changes_within_a_batch_or_between_batches() -> None:
    class ByLength(HalfSure):
        def views(self, items: Sequence[Item]) -> Sequence[Sequence[float]]:
            return [(1 / len(item.text or "x"), 0.0) for item in items]

    records = [
        a_record(id=str(n), annotator={"id": f"a{n}"}, item=an_item(text=text)) for n, text in enumerate(["ab", "abcd"])
    ]
    state, core = PartitionState(), a_validator(ByLength())

    together = core.step(PartitionState(), records)
    apart: list[Output] = []
    for record in records:
        step = core.step(state, [record])
        state.apply(step.changes)
        apart += step.outputs

    assert [output.value for output in together.outputs] == [output.value for output in apart]


def test_a_skipped_annotation_has_no_score() -> None:
    step = a_validator(HalfSure()).step(PartitionState(), [a_record(action="skipped", label=None)])

    assert orjson.loads(step.outputs[0].value or b"")["score"] is None


def test_bad_records_beside_a_model_are_buried_all_the_same() -> None:
    step = a_validator(HalfSure()).step(PartitionState(), [ARecord(b"?"), a_record(project="nobody"), a_record()])

    assert outcome(step) == ["dead", "dead", "validated"]


def test_an_item_read_back_is_the_same() -> None:
    item = ValidatorItem({AnnotatorId("a"): (1, AnnotationId("x"), 1)}, (1, [0.25, 0.75]))

    assert load_item(item.dump()) == item
    assert load_item(None) == ValidatorItem()


@given(st.lists(st.binary(max_size=200) | st.none(), max_size=5))
def test_any_bytes_come_to_one_verdict_each(values: list[bytes | None]) -> None:
    step = a_validator().step(PartitionState(), [ARecord(value) for value in values])

    assert step.verdicts.get("dead", 0) == len(values)
    assert [letter.value for letter in step.outputs] == values


@pytest.mark.parametrize(
    ("kind", "changes", "written"),
    [
        ("ordinal", {"label": 3.0}, {"label": 3}),
        ("multilabel", {"label": ["scam", "safe"], "prelabel": ["scam"]}, {"label": ["safe", "scam"]}),
        ("multilabel", {"label": ["safe"], "item": an_item(gold="scam")}, {"item": an_item(gold=["scam"])}),
        ("categorical", {"item": an_item(gold="Safe")}, {"item": an_item(gold=None)}),
        ("spans", {"label": GOOD["spans"], "item": an_item(gold="person")}, {"item": an_item(gold=None)}),
    ],
)
def test_a_verdict_has_the_canonical_form_and_no_gold_that_is_none(
    kind: str, changes: dict[str, Any], written: dict[str, Any]
) -> None:
    contract = a_contract(kind)
    projects = {contract.project: ValidatorProject(compile_contract(contract))}

    step = ValidatorCore(projects, BatchOrigin("annotations", 0)).step(PartitionState(), [a_record(**changes)])

    annotation = orjson.loads(step.outputs[0].value or b"")["annotation"]
    assert annotation == annotation_input(**{**changes, **written})


def test_an_annotation_in_canonical_form_travels_byte_for_byte() -> None:
    raw = orjson.dumps(annotation_input(), option=orjson.OPT_INDENT_2)

    step = a_validator().step(PartitionState(), [ARecord(raw)])

    assert raw in (step.outputs[0].value or b"")


def test_two_projects_whose_names_have_colons_share_nothing() -> None:
    projects = {name: ValidatorProject(compile_contract(a_contract(project=name)), None) for name in ("ads", "ads:eu")}
    records = [
        a_record(0, project="ads", item=an_item(id="eu:i1")),
        a_record(1, project="ads:eu", item=an_item(id="i1")),
    ]

    step = ValidatorCore(projects, BatchOrigin("annotations", 0)).step(PartitionState(), records)

    assert step.verdicts == {"validated": 2}
    assert len({output.key for output in step.outputs}) == 2


@pytest.mark.parametrize("name", ["label", "prelabel"])
def test_a_label_that_no_item_can_carry_is_a_dead_letter_with_its_size(name: str) -> None:
    large = [f"{number:é>250}" for number in range(1_000)]

    step = a_validator().step(PartitionState(), [a_record(**{name: large}), a_record(1)])

    assert step.verdicts == {"dead": 1, "validated": 1}
    headers = dict(step.outputs[0].headers)
    assert headers["assay-reason"] == b"too-large"
    assert f"the {name} has 5".encode() in (headers["__connect.errors.exception.message"] or b"")


def test_a_long_text_is_no_large_label() -> None:
    step = a_validator().step(PartitionState(), [a_record(item=an_item(text="x" * 300_000))])

    assert step.verdicts == {"validated": 1}
