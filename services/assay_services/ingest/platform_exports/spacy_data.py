"""spaCy's training data in JSON: texts with `entities`, `spans` or `cats`."""

import hashlib
from collections.abc import Iterator

from assay_services.gateway.core.platforms.annotation_facts import Fact, settle
from assay_services.gateway.core.platforms.coercion import JsonFields, Malformed, fields, identifier, listing, number
from assay_services.gateway.core.platforms.common_fields import spans_of
from assay_services.ingest.platform_exports.export_context import NO_ANNOTATION, ExportContext, Found

NAME = "spaCy's data (JSON)"
_CHOSEN = 0.5
_PAIR = 2


def as_spacy(value: object) -> JsonFields | None:
    """Return a text with its labels: an object, or the pair `[text, {"entities": …}]`; None for anything else."""
    if isinstance(value, list) and len(value) == _PAIR and isinstance(value[0], str) and isinstance(value[1], dict):
        value = {"text": value[0], **value[1]}
    found = fields(value)
    has_labels = isinstance(found.get("entities", found.get("spans")), list) or isinstance(found.get("cats"), dict)
    is_another = found.keys() & {"annotator", "project", "answer", "label", "annotations"}
    return found if isinstance(found.get("text"), str) and has_labels and not is_another else None


def read_spacy(value: JsonFields, context: ExportContext) -> Iterator[Found]:
    """Yield the annotation of a text."""
    annotator, text = context.annotator("spaCy's data"), str(value.get("text"))
    label = _label(value, context)
    if isinstance(label, Malformed):
        yield label
        return
    if label is None:
        context.notes[NO_ANNOTATION] += 1
        return
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]
    item = identifier(value.get("id")) or digest
    fact = Fact(
        platform="spacy",
        annotation=f"{item}/{annotator}"[:256],
        project=context.path.stem,
        item={"id": item, "text": text},
        annotator=annotator,
        label=label,
        occurred_at=None,
    )
    yield settle(fact, context.asked())


def _label(value: JsonFields, context: ExportContext) -> object:
    cats = value.get("cats")
    if isinstance(cats, dict) and context.kind not in {"spans", "boxes"}:
        words = [name for name, share in cats.items() if (number(share) or 0) >= _CHOSEN or share is True]
        return words if context.kind == "multilabel" or len(words) > 1 else next(iter(words), None)
    parts = listing(value.get("entities", value.get("spans")))
    triples = [dict(zip(("start", "end", "label"), part, strict=False)) if isinstance(part, list) else part
               for part in parts]  # fmt: skip
    found = spans_of(triples)
    return Malformed("an entity is not [start, end, label]") if found is None else found
