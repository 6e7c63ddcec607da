"""What Assay's topics carry, as frozen pydantic models. Start with `ValidatedAnnotation`."""

from typing import TYPE_CHECKING

from assay_schemas.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from assay_schemas.agreement import AgreementReading
    from assay_schemas.alert import Alert
    from assay_schemas.annotation import Action, Annotation, Annotator, AnnotatorKind, Box, Item, Label, Span
    from assay_schemas.conduct import ConductReport, Signal
    from assay_schemas.consensus import Consensus, Correction, Reliability, ReviewRequest
    from assay_schemas.contract.label_contract import LabelContract
    from assay_schemas.errors import AssayUserError
    from assay_schemas.judged_item import JudgedItem
    from assay_schemas.topics import TOPICS, Topic
    from assay_schemas.verdict import Finding, RejectedAnnotation, ValidatedAnnotation

__all__ = [
    "TOPICS",
    "Action",
    "AgreementReading",
    "Alert",
    "Annotation",
    "Annotator",
    "AnnotatorKind",
    "AssayUserError",
    "Box",
    "ConductReport",
    "Consensus",
    "Correction",
    "Finding",
    "Item",
    "JudgedItem",
    "Label",
    "LabelContract",
    "RejectedAnnotation",
    "Reliability",
    "ReviewRequest",
    "Signal",
    "Span",
    "Topic",
    "ValidatedAnnotation",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "Action": "annotation",
        "AgreementReading": "agreement",
        "Alert": "alert",
        "Annotation": "annotation",
        "Annotator": "annotation",
        "AnnotatorKind": "annotation",
        "AssayUserError": "errors",
        "Box": "annotation",
        "ConductReport": "conduct",
        "Consensus": "consensus",
        "Correction": "consensus",
        "Finding": "verdict",
        "Item": "annotation",
        "JudgedItem": "judged_item",
        "Label": "annotation",
        "LabelContract": "contract.label_contract",
        "RejectedAnnotation": "verdict",
        "Reliability": "consensus",
        "ReviewRequest": "consensus",
        "Signal": "conduct",
        "Span": "annotation",
        "TOPICS": "topics",
        "Topic": "topics",
        "ValidatedAnnotation": "verdict",
    },
)
