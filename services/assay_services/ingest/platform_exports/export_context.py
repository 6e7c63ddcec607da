"""What the readers of exports know beside the file, and how what they find becomes records."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from assay_schemas.annotation import Annotation, AnnotatorId
from assay_schemas.contract.label_contract import LabelContract
from assay_services.gateway.core.decode_result import Annotations, DecodeContext, DecodeResult, Nothing, Settings
from assay_services.gateway.core.platforms.coercion import Malformed
from assay_services.ingest.input_record import InputError, InputRecord, unreadable
from assay_services.ingest.read_options import ReadOptions
from assay_services.ingest.row_cells import file_time

Found: TypeAlias = Annotation | Malformed
"""An annotation in an export, or why it cannot be read."""
NO_ANNOTATION = "rows without an annotation, which are no votes"


@dataclass(frozen=True, slots=True)
class ExportContext:
    """What is known beside the export: its path and time, the contract, and what a person said. `notes` is filled."""

    path: Path
    contract: LabelContract | None
    options: ReadOptions
    began: datetime
    notes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, path: Path, contract: LabelContract | None, options: ReadOptions) -> "ExportContext":
        """Return the context of a file."""
        return cls(path, contract, options, file_time(path))

    @property
    def kind(self) -> str | None:
        """The contract's kind of label."""
        return None if self.contract is None else self.contract.label.kind

    def asked(self, number: int = 0) -> DecodeContext:
        """Return what the decoders of the gateway know. What has no time takes the file's, a microsecond apart.

        Raise InputError without a contract: an export's own project is not one of Assay's.
        """
        if self.contract is None:
            raise InputError(f"{self.path}: no project: name the contract that the labels belong to with --contract")
        name = self.options.annotator
        settings = Settings(
            controls=() if self.options.label is None else (self.options.label,),
            annotator=None if name is None else AnnotatorId(name),
        )
        return DecodeContext(
            project=self.contract.project,
            now=self.began + timedelta(microseconds=number),
            default=settings,
            platform_project=self.path.stem[:256],
        )

    def annotator(self, what: str) -> str:
        """Return who made the labels of a format that names nobody. Raise InputError if nobody said it."""
        if self.options.annotator is None:
            raise InputError(f"{self.path}: {what} does not say who made the labels; say it with --annotator NAME")
        return self.options.annotator

    def records(self, line: int, raw: str, found: Iterable[Found]) -> Iterator[InputRecord]:
        """Yield the records of one value of an export; `raw` is what is kept if a part of it cannot be read."""
        for one in found:
            if isinstance(one, Malformed):
                yield unreadable(self.path, line, raw.encode(errors="surrogateescape"), one.reason)
            else:
                fitted = self._fitted(one)
                yield InputRecord(line, fitted.key, fitted.model_dump_json().encode())

    def _fitted(self, annotation: Annotation) -> Annotation:
        """Return a single label as a list where the contract has multilabels: exports write one as a plain text."""
        if self.kind == "multilabel" and isinstance(annotation.label, str):
            return annotation.model_copy(update={"label": [annotation.label]})
        return annotation

    def decoded(self, result: DecodeResult) -> Iterator[Found]:
        """Yield what a decoder of the gateway found: its annotations, and its problems as one."""
        if isinstance(result, Nothing):
            self.notes[NO_ANNOTATION] += 1
            return
        if not isinstance(result, Annotations):
            yield Malformed(result.reason)
            return
        yield from result.annotations
        if result.problems:
            yield Malformed("; ".join(result.problems))
