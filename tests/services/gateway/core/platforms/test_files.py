"""Prodigy, doccano and Ground Truth: batches, rows and lines."""

import json
from typing import Any

import pytest

from assay_schemas.json_data import Json
from assay_services.gateway.core.decode_result import Annotations, DecodeContext, DecodeResult, Nothing, Rejected
from assay_services.gateway.core.platforms import doccano, ground_truth, prodigy
from tests.services.gateway.payloads import DOCCANO_ROW, GROUND_TRUTH_LINE, PRODIGY_ANSWERS, asked, sent
from tests.support.builders import NOW


def found_in(outcome: DecodeResult) -> list[dict[str, Any]]:
    assert isinstance(outcome, Annotations), outcome
    return [one.model_dump(mode="json") for one in outcome.annotations]


def the_one(outcome: DecodeResult) -> dict[str, Any]:
    (found,) = found_in(outcome)
    return found


def reason_of(outcome: DecodeResult) -> str:
    assert isinstance(outcome, Rejected), outcome
    return outcome.reason


def lines(*rows: object) -> bytes:
    return b"\n".join(json.dumps(row).encode() for row in rows) + b"\n"


class TestProdigy:
    ANSWER: dict[str, Any] = PRODIGY_ANSWERS["answers"][0]

    def answered(self, asking: DecodeContext | None = None, **changes: object) -> DecodeResult:
        plain = {name: value for name, value in {**self.ANSWER, **changes}.items() if value != "-"}
        return prodigy.decode(sent({"dataset": "tickets", "answers": [plain]}), asking or asked())

    def test_an_accepted_option_becomes_an_annotation(self) -> None:
        found = the_one(self.answered())

        assert (found["project"], found["item"]["id"], found["annotator"]["id"]) == ("tickets", "-22", "ada")
        assert (found["item"]["text"], found["item"]["attributes"]) == ("The delivery was late", {"market": "BR"})
        assert found["label"] == "neg"
        assert found["occurred_at"] == "2026-11-24T00:26:40Z"
        assert found["source"]["annotation"] == "-22/ada"

    @pytest.mark.parametrize(
        ("changes", "label"),
        [
            ({"accept": ["a", 2]}, ["a", "2"]),
            ({"accept": ["a"], "config": {"choice_style": "multiple"}}, ["a"]),
            ({"accept": "-", "options": "-", "label": "INSULT"}, "INSULT"),
            ({"accept": "-", "options": "-", "label": "INSULT", "answer": "reject"}, "not INSULT"),
            (
                {"accept": "-", "spans": [{"start": 0, "end": 3, "label": "A", "token_start": 0}]},
                [{"start": 0, "end": 3, "label": "A"}],
            ),
            ({"accept": "-", "spans": []}, []),
            (
                {
                    "accept": "-",
                    "image": "a.png",
                    "spans": [
                        {"label": "car", "x": 1, "y": 2, "width": 3, "height": 4, "points": []},
                        {"label": "tree", "points": [[0, 0], [5, 6]]},
                    ],
                },
                [
                    {"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0, "label": "car"},
                    {"x": 0.0, "y": 0.0, "width": 5.0, "height": 6.0, "label": "tree"},
                ],
            ),
        ],
    )
    def test_answers_of_each_kind_are_labels(self, changes: dict[str, Any], label: object) -> None:
        found = the_one(self.answered(**changes))

        assert (found["action"], found["label"]) == ("created", label)

    @pytest.mark.parametrize("changes", [{"answer": "ignore"}, {"answer": "reject"}, {"accept": []}])
    def test_ignored_and_refused_tasks_and_empty_choices_are_skips(self, changes: dict[str, Any]) -> None:
        found = the_one(self.answered(**changes))

        assert (found["action"], found["label"]) == ("skipped", None)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"answer": "maybe"}, "none of accept, reject, ignore"),
            ({"answer": ["accept"]}, "none of accept, reject, ignore"),
            ({"accept": [None]}, "neither text nor number"),
            ({"accept": "-"}, "no option, no span and no label"),
            ({"accept": "-", "spans": [{"start": 1}]}, "a span has no start"),
            ({"accept": "-", "image": "a", "spans": [{"x": 1}]}, "a shape has no label"),
            ({"accept": "-", "image": "a", "spans": [{"label": "x"}]}, "a shape has no points"),
            ({"_task_hash": None}, "no '_task_hash'"),
            ({"_annotator_id": None, "_session_id": None}, "its annotator"),
        ],
    )
    def test_what_cannot_be_read_is_rejected_with_a_reason(self, changes: dict[str, Any], reason: str) -> None:
        assert reason in reason_of(self.answered(**changes))

    def test_settings_may_name_the_items_own_id_and_the_annotator(self) -> None:
        changes: dict[str, Any] = {"meta": {"ref": "T-1"}, "_annotator_id": None, "_session_id": None}

        found = the_one(self.answered(asked(item_field="ref", annotator="bo"), **changes))

        assert (found["item"]["id"], found["annotator"]["id"]) == ("T-1", "bo")

    def test_lists_and_lines_are_batches_too(self) -> None:
        of_list = prodigy.decode(sent([self.ANSWER]), asked())
        of_lines = prodigy.decode(sent(lines(self.ANSWER, 7, self.ANSWER) + b"{\n"), asked())

        assert the_one(of_list)["project"] == "prodigy"
        assert isinstance(of_lines, Annotations)
        assert len(of_lines.annotations) == 2
        assert of_lines.problems[0] == "answers[1]: it is a number; an object is wanted"
        assert of_lines.problems[1].startswith("answers[3]: the body is no JSON")

    def test_an_empty_batch_is_nothing_and_a_broken_one_rejected(self) -> None:
        assert isinstance(prodigy.decode(sent({"answers": []}), asked()), Nothing)
        assert "no JSON" in reason_of(prodigy.decode(sent(b"{"), asked()))


class TestDoccano:
    @staticmethod
    def rows(*rows: object, asking: DecodeContext | None = None) -> DecodeResult:
        return doccano.decode(sent(list(rows)), asking or asked())

    def test_a_polled_row_gives_an_annotation_for_each_of_its_users(self) -> None:
        first, second = found_in(self.rows(DOCCANO_ROW, asking=asked(platform_project="9")))

        assert (first["project"], first["item"]["id"], first["annotator"]["id"]) == ("9", "3", "5")
        assert (first["item"]["text"], first["item"]["attributes"]) == ("The delivery was late", {"market": "BR"})
        assert (first["label"], second["label"]) == ("neg", "pos")
        assert first["occurred_at"] == "2026-11-24T02:00:00Z"

    @pytest.mark.parametrize(
        ("held", "label"),
        [
            ({"categories": [{"user": 1, "label": "a"}, {"user": 1, "label": 7}]}, ["a", "7"]),
            ({"texts": [{"user": 1, "text": "late"}]}, "late"),
            (
                {"spans": [{"user": 1, "start_offset": 0, "end_offset": 3, "label": "A"}]},
                [{"start": 0, "end": 3, "label": "A"}],
            ),
            (
                {"bboxes": [{"user": 1, "x": 1, "y": 2, "width": 3, "height": 4, "label": "car"}]},
                [{"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0, "label": "car"}],
            ),
        ],
    )
    def test_parts_of_each_kind_are_labels_in_their_example_or_alone(self, held: dict[str, Any], label: object) -> None:
        alone = [part | {"example": 3} for parts in held.values() for part in parts]

        whole, apart = the_one(self.rows({"id": 3, **held})), the_one(self.rows(*alone))

        assert whole["label"] == apart["label"] == label
        assert whole["id"] == apart["id"]

    def test_what_a_machine_proposed_is_a_models_word(self) -> None:
        found = the_one(self.rows({"id": 3, "categories": [{"user": 1, "label": "a", "manual": False}]}))

        assert found["annotator"] == {"id": "1", "kind": "model"}

    @pytest.mark.parametrize(
        ("row", "label"),
        [
            ({"label": ["neg"]}, "neg"),
            ({"label": ["a", "b"]}, ["a", "b"]),
            ({"label": "neg"}, "neg"),
            ({"label": [[0, 3, "A"]]}, [{"start": 0, "end": 3, "label": "A"}]),
            (
                {"entities": [{"start_offset": 0, "end_offset": 3, "label": "A"}]},
                [{"start": 0, "end": 3, "label": "A"}],
            ),
        ],
    )
    def test_labels_of_an_export_are_read(self, row: dict[str, Any], label: object) -> None:
        found = the_one(self.rows({"id": 1, "text": "x", "user": 5} | row))

        assert (found["label"], found["annotator"]["id"]) == (label, "5")
        assert found["occurred_at"] == NOW.isoformat().replace("+00:00", "Z")

    def test_an_export_that_says_no_user_is_of_one_annotator_and_says_so(self) -> None:
        row = {"id": 1, "text": "x", "label": ["neg"]}

        anybody = self.rows(row)
        named = self.rows(row, asking=asked(annotator="ada"))

        assert isinstance(anybody, Annotations)
        assert anybody.annotations[0].annotator.id == "doccano"
        assert "says no user" in anybody.problems[0]
        assert isinstance(named, Annotations)
        assert (named.annotations[0].annotator.id, named.problems) == ("ada", ())

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            (7, "row 1: it is a number"),
            ({"text": "x", "label": ["a"]}, "no 'id'"),
            ({"id": 1}, "no label"),
            ({"id": 1, "label": [[0, "x", "A"]], "user": 1}, "neither texts nor spans"),
            ({"id": 1, "label": {"a": 1}, "user": 1}, "neither a text nor a list"),
            ({"id": 1, "categories": [{"label": "a"}]}, "its annotator"),
            ({"id": 1, "categories": [{"user": 1}]}, "neither a text nor a number"),
            (
                {"id": 1, "categories": [{"user": 1, "label": "a"}], "texts": [{"user": 1, "text": "b"}]},
                "several kinds",
            ),
            ({"id": 1, "spans": [{"user": 1}]}, "a span has no start_offset"),
            ({"id": 1, "bboxes": [{"user": 1}]}, "a box has no x"),
        ],
    )
    def test_what_cannot_be_read_is_rejected_with_a_reason(self, row: object, reason: str) -> None:
        assert reason in reason_of(self.rows(row))

    def test_rows_that_nobody_has_labelled_are_nothing_to_do(self) -> None:
        assert isinstance(self.rows({"id": 1, "label": []}, {"id": 2, "categories": []}), Nothing)
        assert "no UTF-8" in reason_of(doccano.decode(sent(b"\xff"), asked()))


class TestGroundTruth:
    @staticmethod
    def line(value: object = 1, asking: Json = None, row: Json = None, **metadata: Json) -> DecodeResult:
        changed = GROUND_TRUTH_LINE["sentiment-metadata"] | metadata
        plain = {name: one for name, one in changed.items() if one != "-"}
        body = GROUND_TRUTH_LINE | {"sentiment": value, "sentiment-metadata": plain} | (row or {})
        return ground_truth.decode(sent(lines(body)), asking or asked())

    def test_a_line_becomes_an_annotation_of_its_job(self) -> None:
        found = the_one(self.line())

        assert (found["project"], found["annotator"]) == ("tickets", {"id": "tickets", "kind": "human"})
        assert found["item"]["id"] == found["item"]["media"]["uri"] == "s3://bucket/late.png"
        assert (found["label"], found["occurred_at"]) == ("neg", "2026-11-24T02:00:00Z")

    @pytest.mark.parametrize(
        ("value", "names", "label"),
        [
            ([0, 2], {"0": "a", "2": "c"}, ["a", "c"]),
            ("free text", {}, "free text"),
            (
                {"image_size": [{"width": 640, "height": 480}], "annotations": [
                    {"class_id": 1, "left": 1, "top": 2, "width": 3, "height": 4}
                ]},
                {"1": "car"},
                [{"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0, "label": "car"}],
            ),
            (
                {"annotations": {"entities": [{"startOffset": 0, "endOffset": 3, "label": "A"}]}},
                {},
                [{"start": 0, "end": 3, "label": "A"}],
            ),
        ],
    )  # fmt: skip
    def test_labels_of_each_kind_are_read(self, value: object, names: object, label: object) -> None:
        assert the_one(self.line(value, **{"class-name": "-", "class-map": names}))["label"] == label

    def test_the_size_of_an_image_and_a_machines_label(self) -> None:
        value = {"image_size": [{"width": 640, "height": 480}], "annotations": []}

        found = the_one(self.line(value, **{"class-name": "-", "human-annotated": "no"}))

        assert (found["label"], found["annotator"]["kind"]) == ([], "model")
        assert found["item"]["media"] == {"uri": "s3://bucket/late.png", "width": 640, "height": 480}

    def test_a_text_is_known_by_its_digest_or_by_a_field_of_ones_own(self) -> None:
        body = {"source": "It was late", "ref": "T-1", "market": "BR", "q": 0, "q-metadata": {"class-name": "neg"}}
        raw = sent(lines(body))

        plain, own = (
            the_one(ground_truth.decode(raw, asked())),
            the_one(ground_truth.decode(raw, asked(item_field="ref"))),
        )

        assert (plain["item"]["text"], len(plain["item"]["id"]), plain["project"]) == ("It was late", 32, "q")
        assert plain["item"]["attributes"] == {"ref": "T-1", "market": "BR"}
        assert (own["item"]["id"], own["item"]["attributes"]) == ("T-1", {"market": "BR"})

    def test_an_address_longer_than_an_id_may_be_is_known_by_its_digest(self) -> None:
        assert len(the_one(self.line(row={"source-ref": "s3://" + "x" * 300}))["item"]["id"]) == 32

    def test_a_chain_of_jobs_gives_an_annotation_each_unless_one_is_named(self) -> None:
        second = {"check": 0, "check-metadata": {"class-name": "pos", "job-name": "labeling-job/check"}}

        assert [one["annotator"]["id"] for one in found_in(self.line(row=second))] == ["tickets", "check"]
        assert the_one(self.line(row=second, asking=asked(controls=("check",))))["label"] == "pos"

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ([9], "no name in class-map"),
            (1, "a number without a class-name"),
            ({"annotations": [{"class_id": 9}]}, "a box has no left"),
            ({"annotations": {"entities": [{}]}}, "an entity has no startOffset"),
        ],
    )
    def test_what_cannot_be_read_is_rejected_with_a_reason(self, value: object, reason: str) -> None:
        assert reason in reason_of(self.line(value, **{"class-name": "-"}))

    def test_other_lines_are_rejected_or_nothing_to_do(self) -> None:
        assert "no line of a manifest" in reason_of(ground_truth.decode(sent({"a": 1}), asked()))
        assert "line 1: it is null" in reason_of(ground_truth.decode(sent(b"null"), asked()))
        assert "has no id" in reason_of(self.line(row={"source-ref": ""}))
        assert "has no id" in reason_of(self.line(asking=asked(item_field="gone")))
        assert isinstance(ground_truth.decode(sent({"source": "x"}), asked()), Nothing)

    def test_a_notification_carries_lines_and_a_confirmation_is_for_a_person(self) -> None:
        notice = {"Type": "Notification", "Message": lines(GROUND_TRUTH_LINE).decode()}
        broken = {"Type": "Notification", "Message": ["x"]}

        assert the_one(ground_truth.decode(sent(notice), asked())) == the_one(self.line())
        assert isinstance(ground_truth.decode(sent({"Type": "SubscriptionConfirmation"}), asked()), Nothing)
        assert isinstance(ground_truth.decode(sent(broken), asked()), Nothing)
        assert "no UTF-8" in reason_of(ground_truth.decode(sent(b"\xff"), asked()))


def test_an_example_of_the_api_is_read_with_the_labels_of_each_user() -> None:
    example = {"id": 3, "text": "late", "meta": {"own": "T-1"}, "project": 2, "categories": DOCCANO_ROW["categories"]}

    decoded = doccano.decode_example(example, asked(item_field="own"))
    nobody = doccano.decode_example({"id": 3, "categories": []}, asked())

    assert [(one.item.id, one.annotator.id, one.label) for one in decoded.annotations] == [
        ("T-1", "5", "neg"),
        ("T-1", "6", "pos"),
    ]
    assert [one.source and one.source.annotation for one in decoded.annotations] == ["3/5", "3/6"]
    assert nobody.annotations == ()
