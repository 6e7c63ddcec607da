"""Labelbox, Toloka, Scale and Appen: a worked example of each, and what is wrong with others."""

import copy
import json
from typing import Any

import pytest

from assay_schemas.json_data import Json
from assay_services.gateway.core.decode_result import (
    Annotations,
    DecodeResult,
    EarlierAnnotation,
    Fetch,
    FetchTarget,
    Nothing,
    Rejected,
)
from assay_services.gateway.core.platforms import appen, labelbox, scale, toloka
from tests.services.gateway.payloads import (
    APPEN_UNIT,
    LABELBOX_HOOK,
    SCALE_HOOK,
    TOLOKA_HOOK,
    appen_form,
    asked,
    sent,
)
from tests.support.builders import NOW


def labels_of(outcome: DecodeResult) -> list[Any]:
    assert isinstance(outcome, Annotations), outcome
    return [one.model_dump(mode="json")["label"] for one in outcome.annotations]


def the_one(outcome: DecodeResult) -> dict[str, Any]:
    assert isinstance(outcome, Annotations), outcome
    (found,) = outcome.annotations
    return found.model_dump(mode="json")


def reason_of(outcome: DecodeResult) -> str:
    assert isinstance(outcome, Rejected), outcome
    return outcome.reason


class TestLabelbox:
    @staticmethod
    def hook(event: str = "LABEL_CREATED", asking: Json = None, **changes: Json) -> DecodeResult:
        return labelbox.decode(sent(LABELBOX_HOOK | changes, x_labelbox_event=event), asking or asked())

    def test_a_label_becomes_an_annotation(self) -> None:
        found = the_one(self.hook())

        assert (found["project"], found["item"]["id"], found["annotator"]["id"]) == ("p-1", "row-1", "ada@example.com")
        assert found["item"]["text"] == "The delivery was late"
        assert found["item"]["attributes"] == {"external_id": "t1.txt", "global_key": "T-1"}
        assert (found["label"], found["action"]) == ("neg", "created")
        assert found["occurred_at"] == "2026-11-24T02:05:00Z"

    @pytest.mark.parametrize(
        ("content", "label"),
        [
            (
                {"objects": [{"name": "car", "bounding_box": {"left": 1, "top": 2, "width": 3, "height": 4}}]},
                [{"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0, "label": "car"}],
            ),
            (
                {"objects": [{"title": "tree", "polygon": [{"x": 1, "y": 2}, {"x": 4, "y": 9}]}]},
                [{"x": 1.0, "y": 2.0, "width": 3.0, "height": 7.0, "label": "tree"}],
            ),
            (
                {"objects": [{"name": "A", "location": {"start": 4, "end": 11}}]},
                [{"start": 4, "end": 12, "label": "A"}],
            ),
            ({"classifications": [{"name": "q", "checklist_answers": [{"name": "a"}, {"name": "b"}]}]}, ["a", "b"]),
            ({"classifications": [{"name": "q", "text_answer": {"content": "late"}}]}, "late"),
            ({"classifications": [{"title": "q", "answer": "yes"}]}, "yes"),
        ],
    )
    def test_objects_and_answers_of_each_kind_are_labels(self, content: dict[str, Any], label: object) -> None:
        assert the_one(self.hook(annotations=content))["label"] == label

    def test_an_older_webhook_has_its_label_as_json_in_a_text(self) -> None:
        old = {"annotations": None, "label": json.dumps(LABELBOX_HOOK["annotations"])}
        body = {name: value for name, value in {**LABELBOX_HOOK, **old}.items() if value is not None}

        assert the_one(labelbox.decode(sent(body, x_labelbox_event="LABEL_UPDATED"), asked()))["label"] == "neg"

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ({"objects": [{"name": "x", "line": []}]}, "objects[0]"),
            ({"objects": [{"bounding_box": {"left": 1, "top": 2, "width": 3, "height": 4}}]}, "with a name"),
            (
                {"objects": [
                    {"name": "a", "location": {"start": 1, "end": 2}},
                    {"name": "a", "bounding_box": {"left": 1, "top": 2, "width": 3, "height": 4}},
                ]},
                "both spans and boxes",
            ),
            ({"classifications": [{"radio_answer": {"name": "x"}}]}, "classifications[0]"),
            ({"classifications": [{"name": "q", "checklist_answers": [{}]}]}, "a choice without a name"),
            (
                {"classifications": [{"name": "a", "answer": "x"}, {"name": "b", "answer": "y"}]},
                "several fields could be the label ('a', 'b')",
            ),
        ],
    )  # fmt: skip
    def test_what_cannot_be_read_is_rejected_with_a_reason(self, content: dict[str, Any], reason: str) -> None:
        assert reason in reason_of(self.hook(annotations=content))

    def test_a_named_answer_counts_beside_objects(self) -> None:
        content = {
            "objects": [{"name": "A", "location": {"start": 4, "end": 11}}],
            "classifications": [{"name": "q", "answer": "x"}],
        }

        assert the_one(self.hook(annotations=content, asking=asked(controls=("q",))))["label"] == "x"
        assert "none of the fields" in reason_of(self.hook(annotations=content, asking=asked(controls=("z",))))

    def test_a_label_without_its_content_or_row_is_fetched(self) -> None:
        for lost in ("annotations", "data_row"):
            outcome = self.hook(**{lost: None})

            assert isinstance(outcome, Fetch)
            assert outcome.wanted == (FetchTarget("label", "lb-1"),)

    def test_a_deletion_is_one_where_the_label_is_known(self) -> None:
        known = EarlierAnnotation("row-1", "ada", "p-1", NOW)

        assert the_one(self.hook("LABEL_DELETED", asked(known=lambda _: known)))["action"] == "deleted"
        assert isinstance(self.hook("LABEL_DELETED"), Fetch)

    def test_other_events_are_nothing_to_do_or_rejected(self) -> None:
        assert isinstance(self.hook("WORKFLOW_ACTION"), Nothing)
        assert isinstance(self.hook("REVIEW_CREATED"), Nothing)
        assert "no event 'LABEL_LOST'" in reason_of(self.hook("LABEL_LOST"))
        assert "no id" in reason_of(self.hook(id=None))
        assert "X-Labelbox-Event" in reason_of(labelbox.decode(sent(LABELBOX_HOOK), asked()))
        assert "no JSON" in reason_of(labelbox.decode(sent(b"{", x_labelbox_event="LABEL_CREATED"), asked()))

    def test_the_rows_own_id_may_be_a_key_and_its_data_an_address(self) -> None:
        row = {"id": "row-1", "global_key": "T-1", "row_data": "https://host/a.png"}

        found = the_one(self.hook(data_row=row, asking=asked(item_field="global_key")))

        assert found["item"]["id"] == "T-1"
        assert (found["item"]["text"], found["item"]["media"]["uri"]) == (None, "https://host/a.png")
        assert "'gone'" in reason_of(self.hook(asking=asked(item_field="gone")))

    def test_an_exported_row_gives_all_its_labels(self) -> None:
        label = {
            "id": "lb-1",
            "label_details": {
                "created_at": "2026-11-24T02:00:00Z",
                "updated_at": "2026-11-24T02:05:00Z",
                "created_by": "ada@example.com",
                "is_benchmark_reference": True,
            },
            "performance_details": {"seconds_to_create": 12, "skipped": False},
            "annotations": LABELBOX_HOOK["annotations"],
        }
        skipped = label | {"id": "lb-2", "performance_details": {"skipped": True}}
        row = {"data_row": LABELBOX_HOOK["data_row"], "projects": {"p-1": {"labels": [label, skipped, {"id": "lb-3"}]}}}

        decoded = labelbox.decode_row(row, asked())

        first, second = decoded.annotations
        assert (first.action, first.label, first.item.gold, first.lead_time_seconds) == ("updated", "neg", "neg", 12)
        assert (second.action, second.label) == ("skipped", None)
        assert decoded.problems == ("label lb-3: it does not say its annotator",)


ASSIGNMENT: dict[str, Any] = {
    "id": "as-1",
    "pool_id": "pool-1",
    "user_id": "u9",
    "status": "ACCEPTED",
    "tasks": [
        {"id": "t1", "input_values": {"text": "late", "market": "BR"}},
        {
            "id": "t2",
            "input_values": {"image": "https://host/b.png"},
            "known_solutions": [{"output_values": {"sentiment": "pos"}}],
        },
    ],
    "solutions": [{"output_values": {"sentiment": "neg"}}, {"output_values": {"sentiment": "pos"}}],
    "created": "2026-11-24T02:00:00",
    "submitted": "2026-11-24T02:00:30",
    "rejected": "2026-11-24T04:00:00",
}


class TestToloka:
    def test_finished_assignments_and_closed_pools_are_fetched(self) -> None:
        outcome = toloka.decode(sent(TOLOKA_HOOK), asked())

        assert isinstance(outcome, Fetch)
        assert outcome.wanted == (FetchTarget("assignment", "as-1"), FetchTarget("pool", "pool-1"))

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (b"[]", "a list; a JSON object is wanted"),
            ({}, "no list 'events'"),
            ({"events": [{"type": "ASSIGNMENT_SUBMITTED"}]}, "events[0] does not say its assignment_id"),
            ({"events": [{"type": "MOON_RISEN"}, 7]}, "no event 'MOON_RISEN'"),
        ],
    )
    def test_what_is_no_webhook_is_rejected_with_a_reason(self, body: object, reason: str) -> None:
        assert reason in reason_of(toloka.decode(sent(body), asked()))

    def test_a_test_event_is_nothing_to_do(self) -> None:
        assert isinstance(toloka.decode(sent({"events": [{"type": "TEST_EVENT"}]}), asked()), Nothing)
        assert isinstance(toloka.decode(sent({"events": []}), asked()), Nothing)

    def test_an_assignment_gives_an_annotation_for_each_of_its_tasks(self) -> None:
        decoded = toloka.decode_assignment(ASSIGNMENT, asked())

        first, second = (one.model_dump(mode="json") for one in decoded.annotations)
        assert (first["project"], first["item"]["id"], first["annotator"]["id"]) == ("pool-1", "t1", "u9")
        assert (first["item"]["text"], first["item"]["attributes"]) == ("late", {"market": "BR"})
        assert (first["label"], first["lead_time_seconds"]) == ("neg", 15.0)
        assert first["occurred_at"] == "2026-11-24T02:00:30Z"
        assert first["source"]["annotation"] == "as-1/t1"
        assert (second["item"]["media"]["uri"], second["item"]["gold"]) == ("https://host/b.png", "pos")

    def test_submitted_and_accepted_are_one_state(self) -> None:
        submitted = toloka.decode_assignment(ASSIGNMENT | {"status": "SUBMITTED"}, asked())

        assert submitted == toloka.decode_assignment(ASSIGNMENT, asked())

    def test_what_was_rejected_and_is_accepted_after_all_is_newer_than_its_rejection(self) -> None:
        times = {"rejected": "2026-11-25T00:00:00", "accepted": "2026-11-26T00:00:00"}

        rejected = toloka.decode_assignment(ASSIGNMENT | times | {"status": "REJECTED"}, asked())
        accepted = toloka.decode_assignment(ASSIGNMENT | times | {"status": "ACCEPTED"}, asked())

        assert rejected.annotations[0].occurred_at < accepted.annotations[0].occurred_at

    @pytest.mark.parametrize(("status", "action"), [("REJECTED", "deleted"), ("SKIPPED", "skipped")])
    def test_rejected_answers_are_withdrawn_and_skipped_ones_skipped(self, status: str, action: str) -> None:
        decoded = toloka.decode_assignment(ASSIGNMENT | {"status": status, "solutions": []}, asked())

        assert [(one.action, one.label) for one in decoded.annotations] == [(action, None)] * 2

    @pytest.mark.parametrize("status", ["ACTIVE", "EXPIRED", None, ["SUBMITTED"]])
    def test_unfinished_assignments_say_nothing(self, status: object) -> None:
        assert toloka.decode_assignment(ASSIGNMENT | {"status": status}, asked()) == Annotations(())

    def test_what_cannot_be_read_is_said_for_its_task(self) -> None:
        broken = copy.deepcopy(ASSIGNMENT)
        broken["solutions"][0] = {"output_values": {"a": 1, "b": 2}}
        broken["tasks"][1]["id"] = None
        broken["created"] = None

        decoded = toloka.decode_assignment(broken, asked())
        named = toloka.decode_assignment(broken, asked(controls=("b",)))

        assert decoded.annotations == ()
        assert "several fields" in decoded.problems[0]
        assert decoded.problems[1] == "tasks[1]: there is no 'id' that could be the item's id"
        assert [(one.label, one.lead_time_seconds) for one in named.annotations] == [(2, None)]

    def test_shapes_as_answers_are_not_read_and_a_strange_known_solution_is_no_gold(self) -> None:
        broken = copy.deepcopy(ASSIGNMENT)
        broken["solutions"][0] = {"output_values": {"sentiment": [{"shape": "rectangle"}]}}
        broken["tasks"][1]["known_solutions"] = [{"output_values": {"sentiment": {}}}]
        broken["id"] = None

        decoded = toloka.decode_assignment(broken, asked())

        assert "a list that is not read" in decoded.problems[0]
        assert decoded.problems[1] == "tasks[1]: it does not say its annotation"


class TestScale:
    @staticmethod
    def hook(response: object = None, asking: Json = None, **task: Json) -> DecodeResult:
        body: dict[str, Any] = {**SCALE_HOOK, "task": SCALE_HOOK["task"] | task}
        return scale.decode(sent(body if response is None else body | {"response": response}), asking or asked())

    def test_a_callback_becomes_an_annotation_of_the_workforce(self) -> None:
        found = the_one(self.hook())

        assert (found["project"], found["item"]["id"], found["annotator"]["id"]) == (
            "categorization",
            "576c41bf",
            "scale",
        )
        assert (found["item"]["text"], found["item"]["attributes"]) == ("tomato", {"market": "BR"})
        assert (found["label"], found["action"]) == ("red", "created")
        assert found["occurred_at"] == "2026-11-24T02:00:00.904000Z"

    @pytest.mark.parametrize(
        ("response", "label"),
        [
            ({"category": ["red", "blue"]}, ["red", "blue"]),
            (
                {"annotations": [{"type": "box", "label": "car", "left": 2, "top": 4, "width": 3, "height": 5}]},
                [{"x": 2.0, "y": 4.0, "width": 3.0, "height": 5.0, "label": "car"}],
            ),
            (
                {
                    "annotations": [
                        {"type": "polygon", "label": "car", "vertices": [{"x": 1, "y": 2}, {"x": 3, "y": 9}]}
                    ]
                },
                [{"x": 1.0, "y": 2.0, "width": 2.0, "height": 7.0, "label": "car"}],
            ),
            ({"annotations": [{"start": 0, "end": 3, "label": "A"}]}, [{"start": 0, "end": 3, "label": "A"}]),
            ({"annotations": []}, []),
            ({"annotations": {"sentiment": {"type": "category", "response": [["neg"]]}}}, "neg"),
            ({"choice": "left"}, "left"),
            ({}, None),
        ],
    )
    def test_responses_of_each_kind_are_labels(self, response: object, label: object) -> None:
        assert the_one(self.hook(response))["label"] == label

    @pytest.mark.parametrize(
        ("response", "reason"),
        [
            ({"annotations": [{"type": "line", "label": "x", "vertices": []}]}, "of the type 'line'"),
            ({"annotations": [7]}, "annotations[0] is a number"),
            ({"annotations": [{"start": 0, "end": "x", "label": "A"}]}, "a span has no start"),
            ({"a": 1, "b": 2}, "several fields"),
        ],
    )
    def test_what_cannot_be_read_is_rejected_with_a_reason(self, response: object, reason: str) -> None:
        assert reason in reason_of(self.hook(response))

    def test_a_cancelled_task_is_a_skip_and_a_failed_one_nothing(self) -> None:
        assert the_one(self.hook(status="canceled"))["action"] == "skipped"
        assert isinstance(self.hook(status="error"), Nothing)
        assert "no status 'odd'" in reason_of(self.hook(status="odd"))
        assert "no status ''" in reason_of(self.hook(status=["completed"]))

    def test_what_is_no_callback_is_rejected(self) -> None:
        assert "no JSON" in reason_of(scale.decode(sent(b"{"), asked()))
        assert "no 'task_id'" in reason_of(scale.decode(sent({"task": {}}), asked()))

    def test_the_items_own_id_and_its_image(self) -> None:
        own = self.hook(
            metadata={"ref": "T-1"}, params={"attachment": "https://host/a.png"}, asking=asked(item_field="ref")
        )

        assert the_one(own)["item"]["id"] == "T-1"
        assert the_one(own)["item"]["media"]["uri"] == "https://host/a.png"
        assert the_one(self.hook(unique_id="U-1"))["item"]["id"] == "U-1"
        assert "'gone'" in reason_of(self.hook(asking=asked(item_field="gone")))


class TestAppen:
    @staticmethod
    def hook(payload: object, signal: str = "unit_complete", asking: Json = None) -> DecodeResult:
        return appen.decode(sent(appen_form(signal, payload)), asking or asked())

    @staticmethod
    def unit(**judgment: Json) -> dict[str, Json]:
        unit = copy.deepcopy(APPEN_UNIT)
        unit["results"]["judgments"][0].update(judgment)
        return unit

    def test_a_judgment_becomes_an_annotation(self) -> None:
        found = the_one(self.hook(APPEN_UNIT))

        assert (found["project"], found["item"]["id"], found["annotator"]["id"]) == ("8", "55", "77")
        assert (found["item"]["text"], found["item"]["attributes"]) == ("The delivery was late", {"market": "BR"})
        assert (found["label"], found["lead_time_seconds"]) == ("neg", 9.0)
        assert found["source"]["annotation"] == "901"

    def test_judgments_come_alone_too_and_are_the_same(self) -> None:
        alone = APPEN_UNIT["results"]["judgments"][0] | {"unit_data": APPEN_UNIT["data"]}

        assert self.hook([alone], "new_judgments") == self.hook(APPEN_UNIT)

    def test_a_test_question_has_gold_and_shows_it_to_nobody(self) -> None:
        found = the_one(self.hook(self.unit(unit_data={"text": "x", "sentiment_gold": "pos"})))

        assert found["item"]["gold"] == "pos"
        assert found["item"]["attributes"] == {}
        assert the_one(self.hook(self.unit(unit_data={"sentiment_gold": {}})))["item"]["gold"] is None

    @pytest.mark.parametrize("flag", ["rejected", "tainted"])
    def test_what_the_platform_refused_is_withdrawn(self, flag: str) -> None:
        found = the_one(self.hook(self.unit(**{flag: True})))

        assert (found["action"], found["label"]) == ("deleted", None)

    def test_several_answers_need_a_setting(self) -> None:
        unit = self.unit(data={"sentiment": "neg", "why": "late"})

        assert "judgment 901: several fields" in reason_of(self.hook(unit))
        assert the_one(self.hook(unit, asking=asked(controls=("sentiment",))))["label"] == "neg"

    def test_units_without_judgments_and_complete_jobs_are_fetched(self) -> None:
        unit, job = self.hook({"id": 55}), self.hook({"id": 8, "secret": "x"}, "job_complete")

        assert isinstance(unit, Fetch)
        assert isinstance(job, Fetch)
        assert (unit.wanted, job.wanted) == ((FetchTarget("unit", "55"),), (FetchTarget("job", "8"),))

    def test_a_unit_with_no_judgment_yet_is_nothing_to_do(self) -> None:
        assert isinstance(self.hook({"id": 5, "results": {"judgments": []}}), Nothing)
        assert isinstance(self.hook({}, "job_data_processed"), Nothing)

    @pytest.mark.parametrize(
        ("raw", "reason"),
        [
            (b"{}", "no form"),
            (b"signal=unit_complete", "no form"),
            (appen_form("moon", {}), "no signal 'moon'"),
            (b"signal=unit_complete&payload=%7B", "payload: the body is no JSON"),
            (appen_form("job_complete", []), "the job has no id"),
            (appen_form("unit_complete", [7, {}]), "no unit and no judgment"),
            (appen_form("unit_complete", {"results": {"judgments": [{"job_id": 1}]}}), "no 'id'"),
            (appen_form("unit_complete", {"results": {"judgments": [{"unit_id": 1}]}}), "its annotation"),
        ],
    )
    def test_what_is_no_webhook_is_rejected_with_a_reason(self, raw: bytes, reason: str) -> None:
        assert reason in reason_of(appen.decode(sent(raw), asked()))
