"""Deliveries with work that a decoder does not read: beside a label, instead of one, or as part of one."""

from typing import Any

from assay_services.gateway.core.decode_result import Annotations, DecodeContext, DecodeResult, Rejected
from assay_services.gateway.core.platforms import (
    appen,
    argilla,
    cvat,
    doccano,
    generic,
    ground_truth,
    label_studio,
    labelbox,
    prodigy,
    scale,
)
from tests.services.gateway.core.platforms.test_cvat import a_job
from tests.services.gateway.payloads import (
    APPEN_UNIT,
    GENERIC_HOOK,
    GENERIC_MAPPING,
    GROUND_TRUTH_LINE,
    LABELBOX_HOOK,
    PRODIGY_ANSWERS,
    SCALE_HOOK,
    appen_form,
    argilla_hook,
    asked,
    ls_hook,
    sent,
)


def told(outcome: DecodeResult) -> tuple[object, list[str]]:
    """Return the label of the one annotation and what else is said, or `rejected` and the reason."""
    if isinstance(outcome, Rejected):
        return "rejected", [outcome.reason]
    assert isinstance(outcome, Annotations), outcome
    said = [*outcome.problems, *(f"unread: {one.what}" for one in outcome.unread)]
    labels = [one.model_dump(mode="json")["label"] for one in outcome.annotations]
    return (labels[0] if len(labels) == 1 else labels), said


def of_label_studio(config: str, *result: dict[str, Any], asking: DecodeContext | None = None, text: str = "") -> Any:  # noqa: ANN401  # as `told`
    task = {"id": 1, "data": {"text": text or "The delivery was late", "image": "a.png"}, "meta": {}, "project": 1}
    hook = ls_hook(*result, config=f"<View>{config}</View>", task=task)
    return told(label_studio.decode(sent(hook), asking or asked()))


def of_labelbox(asking: DecodeContext | None = None, **annotations: Any) -> Any:  # noqa: ANN401  # as `told`
    hook = LABELBOX_HOOK | {"annotations": annotations}
    return told(labelbox.decode(sent(hook, x_labelbox_event="LABEL_CREATED"), asking or asked()))


def of_prodigy(asking: DecodeContext | None = None, **changes: Any) -> Any:  # noqa: ANN401  # as `told`
    plain = {name: value for name, value in {**PRODIGY_ANSWERS["answers"][0], **changes}.items() if value != "-"}
    return told(prodigy.decode(sent({"dataset": "tickets", "answers": [plain]}), asking or asked()))


def of_doccano(row: dict[str, Any], asking: DecodeContext | None = None) -> Any:  # noqa: ANN401  # as `told`
    plain = {"id": 1, "text": "The delivery was late"} | row
    return told(doccano.decode(sent([plain]), asking or asked(annotator="amy")))


def of_ground_truth(asking: DecodeContext | None = None, **changes: Any) -> Any:  # noqa: ANN401  # as `told`
    return told(ground_truth.decode(sent(GROUND_TRUTH_LINE | changes), asking or asked(annotator="amy")))


def of_scale(response: dict[str, Any], asking: DecodeContext | None = None, kind: str = "categorization") -> Any:  # noqa: ANN401  # as `told`
    task = SCALE_HOOK["task"] | {"type": kind}
    return told(scale.decode(sent(SCALE_HOOK | {"response": response, "task": task}), asking or asked()))


def of_appen(answer: object, asking: DecodeContext | None = None) -> Any:  # noqa: ANN401  # as `told`
    judgment = APPEN_UNIT["results"]["judgments"][0] | {"data": {"sentiment": answer}}
    unit = APPEN_UNIT | {"results": {"judgments": [judgment]}}
    return told(appen.decode(sent(appen_form("unit_complete", unit)), asking or asked()))


def of_argilla(kinds: dict[str, str], values: dict[str, Any], asking: DecodeContext | None = None) -> Any:  # noqa: ANN401  # as `told`
    hook = argilla_hook(values={name: {"value": value} for name, value in values.items()})
    questions = [{"name": name, "settings": {"type": kind}} for name, kind in kinds.items()]
    hook["data"]["record"]["dataset"]["questions"] = questions
    return told(argilla.decode(sent(hook), asking or asked()))


def of_generic(verdict: object, asking: DecodeContext | None = None) -> Any:  # noqa: ANN401  # as `told`
    hook = {"events": [GENERIC_HOOK["events"][0] | {"verdict": verdict}]}
    return told(generic.decode(sent(hook), asking or asked(mapping=GENERIC_MAPPING)))


def of_cvat(*shapes: dict[str, Any], asking: DecodeContext | None = None, **job: Any) -> Any:  # noqa: ANN401  # as `told`
    return told(cvat.decode_job(a_job(*shapes, **job), asking or asked()))
