"""Any other tool, by a mapping."""

from pathlib import Path
from typing import Any

import pytest

from assay_services.gateway.core.decode_result import Annotations, DecodeResult, Nothing, Rejected, Settings
from assay_services.gateway.core.platforms.field_mapping import FieldMapping
from assay_services.gateway.core.platforms.generic import decode
from assay_services.gateway.core.platforms.registry import PLATFORMS
from assay_services.gateway.core.signatures import HmacHex, Scheme, StandardWebhooks, StaticHeader
from assay_services.ingest.contract_files.mapping_file import load_mapping
from assay_services.ingest.contract_files.yaml_file import YamlFileError
from tests.services.gateway.payloads import GENERIC_HOOK, asked, sent

EXAMPLE = Path(__file__).parents[5] / "docs" / "generic-mapping.yaml"
MAPPING = load_mapping(EXAMPLE)
EVENT = GENERIC_HOOK["events"][0]


def decoded(mapping: FieldMapping = MAPPING, /, **changes: object) -> DecodeResult:
    return decode(sent({"events": [EVENT | changes]}), asked(mapping=mapping))


def the_one(outcome: DecodeResult) -> dict[str, Any]:
    assert isinstance(outcome, Annotations), outcome
    (found,) = outcome.annotations
    return found.model_dump(mode="json")


def changed(**fields: object) -> FieldMapping:
    return FieldMapping.model_validate(MAPPING.model_dump(exclude_none=True) | fields)


def test_the_example_reads_an_event_into_an_annotation() -> None:
    found = the_one(decode(sent(GENERIC_HOOK), asked(mapping=MAPPING)))

    assert (found["project"], found["item"]["id"], found["annotator"]["id"]) == ("tickets", "T-1", "ada")
    assert (found["item"]["text"], found["item"]["attributes"]) == ("The delivery was late", {"market": "BR"})
    assert (found["label"], found["action"]) == ("neg", "created")
    assert found["occurred_at"] == "2026-11-24T00:26:40Z"
    assert found["source"] == {"platform": "generic", "project": "tickets", "annotation": "g-1"}


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("neg", "neg"),
        (3, 3),
        (True, "true"),
        (["a", "b"], ["a", "b"]),
        ([{"start": 0, "end": 3, "label": "A", "by": "x"}], [{"start": 0, "end": 3, "label": "A"}]),
        (
            [{"x": 1, "y": 2, "width": 3, "height": 4, "label": "car"}],
            [{"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0, "label": "car"}],
        ),
    ],
)
def test_labels_of_each_kind_are_read(label: object, expected: object) -> None:
    assert the_one(decoded(verdict=label))["label"] == expected


@pytest.mark.parametrize(("word", "action"), [("undo", "deleted"), ("pass", "skipped"), ("updated", "updated")])
def test_the_tools_words_for_actions_are_translated(word: str, action: str) -> None:
    found = the_one(decoded(what=word))

    assert found["action"] == action
    assert (found["label"] is None) == (action in {"deleted", "skipped"})


def test_gold_and_prelabel_are_read_and_strange_ones_do_not_matter() -> None:
    good = decoded(suggested="pos", doc=EVENT["doc"] | {"known": "neg"})
    strange = decoded(suggested={"a": 1}, doc=EVENT["doc"] | {"known": {"a": 1}})

    assert (the_one(good)["prelabel"], the_one(good)["item"]["gold"]) == ("pos", "neg")
    assert (the_one(strange)["prelabel"], the_one(strange)["item"]["gold"]) == (None, None)


def test_a_written_time_needs_no_unit_and_seconds_may_be_the_unit() -> None:
    assert the_one(decoded(at="2026-11-24T01:00:00Z"))["occurred_at"] == "2026-11-24T01:00:00Z"
    assert the_one(decoded(changed(time_unit="seconds"), at=1_795_480_000))["occurred_at"] == "2026-11-24T00:26:40Z"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"verdict": {"a": 1}}, "label: the label is an object"),
        ({"verdict": [{"start": 0}]}, "label: a span has no start"),
        ({"verdict": [{"x": 0}]}, "label: its parts are neither spans nor boxes"),
        ({"doc": {}}, "item.id: nothing is found"),
        ({"at": "soon"}, "occurred_at: what is found there is no time"),
        ({"what": "explode"}, "action: the mapping has no action for 'explode'"),
        ({"uid": None}, "its annotation"),
        ({"queue": None}, "its project"),
    ],
)
def test_what_cannot_be_read_is_rejected_with_a_reason(changes: dict[str, Any], reason: str) -> None:
    outcome = decoded(**changes)

    assert isinstance(outcome, Rejected)
    assert outcome.reason.startswith("events[0]: ")
    assert reason in outcome.reason


@pytest.mark.parametrize("field", ["events", "only_when", "label", "action", "annotation"])
def test_an_expression_that_does_not_fit_is_named(field: str) -> None:
    outcome = decoded(changed(**{field: "abs('text')"}))

    assert isinstance(outcome, Rejected)
    assert f"{field}: the expression does not fit" in outcome.reason


def test_a_body_may_be_one_event_and_everything_but_the_needed_may_be_left_out() -> None:
    small = FieldMapping.model_validate({"annotation": "id", "item": {"id": "i"}, "annotator": "who", "label": "l"})

    found = the_one(decode(sent({"id": 1, "i": 2, "who": 3, "l": "x"}), asked(mapping=small, platform_project="p")))

    assert (found["project"], found["action"], found["label"]) == ("p", "created", "x")


def test_other_bodies_are_nothing_to_do_or_rejected() -> None:
    no_mapping = decode(sent(GENERIC_HOOK), asked())

    assert isinstance(decode(sent({"events": []}), asked(mapping=MAPPING)), Nothing)
    assert isinstance(decode(sent({"hello": 1}), asked(mapping=MAPPING)), Nothing)
    assert isinstance(decode(sent(b"{"), asked(mapping=MAPPING)), Rejected)
    assert no_mapping == Rejected("the connection has no mapping; give it one in YAML")


@pytest.mark.parametrize(
    ("signature", "scheme"),
    [
        (None, StaticHeader()),
        ({"scheme": "header", "header": "X-Our"}, StaticHeader("X-Our")),
        ({"scheme": "hmac-sha1", "header": "X-S"}, HmacHex("sha1", "X-S")),
        ({"scheme": "hmac-sha256", "header": "X-S"}, HmacHex("sha256", "X-S")),
        ({"scheme": "standard-webhooks"}, StandardWebhooks()),
    ],
)
def test_the_mapping_says_how_the_tool_signs(signature: object, scheme: Scheme) -> None:
    settings = Settings(mapping=changed(signature=signature))

    assert PLATFORMS["generic"].scheme_for(settings) == scheme
    assert PLATFORMS["argilla"].scheme_for(Settings()) == StandardWebhooks()


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("label: verdict", "labl: verdict", "{file}:17: labl: there is no such field; did you mean 'label'?"),
        ("  text: doc.body", "  txt: doc.body", "{file}:10: item.txt: there is no such field; did you mean 'text'?"),
        ("annotator: by.login\n", "", "{file}:4: the field 'annotator' is missing"),
        ("  id: doc.id", "  id: doc.[", "{file}:9: item.id: this is no JMESPath expression"),
        ("guideline: doc.guideline", f"g: {'(' * 5_000}", "item.attributes.g: "),
        ("undo: deleted", "undo: gone", "actions.undo: "),
        ("{scheme: hmac-sha256, header: X-Signature}", "{scheme: hmac-sha1}", "an HMAC needs the name of its header"),
        ("label: verdict", "label: [", "is no YAML"),
    ],
)
def test_a_broken_mapping_is_refused_by_file_line_and_field(
    tmp_path: Path, before: str, after: str, problem: str
) -> None:
    file = tmp_path / "mapping.yaml"
    text = EXAMPLE.read_text()
    file.write_text(text.replace(before, after, 1))

    with pytest.raises(YamlFileError) as refused:
        load_mapping(file)

    assert before in text
    assert problem.format(file=file) in str(refused.value)


def test_a_deeply_nested_expression_is_refused() -> None:
    with pytest.raises(ValueError, match=r"nested too deeply|no JMESPath"):
        changed(label="!" * 1_999)
