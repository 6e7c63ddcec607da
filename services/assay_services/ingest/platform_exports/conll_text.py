"""CoNLL: a token and its tag on each line, sentences divided by empty lines."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from assay_services.gateway.core.platforms.annotation_facts import Fact, settle
from assay_services.gateway.core.platforms.coercion import Malformed
from assay_services.ingest.input_record import InputRecord
from assay_services.ingest.platform_exports.export_context import ExportContext, Found

NAME = "CoNLL"
_TAG = re.compile(r"O|([BIESLUM])-(\S+)").fullmatch
_LEAST_LINES, _LEAST_SHARE = 2, 0.9
_DOCUMENT, _REMARK = "-DOCSTART-", "# "
_OPENS, _CLOSES = "BUS", "EUSL"


class _Token(NamedTuple):
    text: str
    tag: str


def is_conll(head: str) -> bool:
    """Return whether a text has a token and a tag such as B-PER or O on almost every line."""
    lines = [
        line.split() for line in head.splitlines()[:-1] if line.strip() and not line.startswith((_DOCUMENT, _REMARK))
    ]
    tagged = sum(1 for cells in lines if len(cells) > 1 and _TAG(cells[-1]))
    return len(lines) >= _LEAST_LINES and tagged >= _LEAST_SHARE * len(lines)


def read_conll(lines: Iterable[str], context: ExportContext) -> Iterator[InputRecord]:
    """Yield an annotation for each sentence: its tokens with a space between them, and its spans."""
    annotator = context.annotator(NAME)
    first, sentence = 1, list[str]()
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith((_DOCUMENT, _REMARK)):
            first = first if sentence else number
            sentence.append(line)
        elif sentence and not line.strip():
            yield from context.records(first, "".join(sentence), [_sentence(first, sentence, annotator, context)])
            sentence = []
    if sentence:
        yield from context.records(first, "".join(sentence), [_sentence(first, sentence, annotator, context)])


def _sentence(first: int, lines: Sequence[str], annotator: str, context: ExportContext) -> Found:
    tokens: list[_Token] = []
    for place, line in enumerate(lines):
        cells = line.split()
        if len(cells) == 1 or _TAG(cells[-1]) is None:
            return Malformed(f"line {first + place} has no token with a tag like O or B-PER at its end")
        tokens.append(_Token(cells[0], cells[-1]))
    item = f"{context.path.stem[:200]}:{first}"
    fact = Fact(
        platform="conll",
        annotation=f"{item}/{annotator}"[:256],
        project=context.path.stem,
        item={"id": item, "text": " ".join(token.text for token in tokens)},
        annotator=annotator,
        label=_spans(tokens),
        occurred_at=None,
    )
    return settle(fact, context.asked(first))


def _spans(tokens: Sequence[_Token]) -> list[dict[str, object]]:
    """Return the spans of BIO, BIOES or IO tags; offsets count code points of the joined text."""
    found: list[dict[str, object]] = []
    open_label: str | None = None
    start = 0
    for text, tag in tokens:
        parts = _TAG(tag)
        prefix: str = parts[1] or "" if parts is not None else ""
        label: str | None = parts[2] if parts is not None else None
        continues = label is not None and label == open_label and prefix not in _OPENS
        if continues:
            found[-1]["end"] = start + len(text)
        elif label is not None:
            found.append({"start": start, "end": start + len(text), "label": label})
        open_label = None if prefix in _CLOSES else label
        start += len(text) + 1
    return found
