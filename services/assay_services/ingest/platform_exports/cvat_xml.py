"""CVAT for images 1.1: boxes or tags on images, in XML that is read piece by piece."""

import xml.parsers.expat  # entities and document types are refused below
from collections.abc import Iterator
from typing import BinaryIO

from assay_services.gateway.core.platforms.annotation_facts import Fact, settle
from assay_services.gateway.core.platforms.boxes import turned_box
from assay_services.gateway.core.platforms.coercion import Malformed, media, moment
from assay_services.ingest.input_record import InputError, InputRecord
from assay_services.ingest.platform_exports.export_context import ExportContext, Found

NAME = "CVAT for images 1.1"
_CHUNK = 64 * 1024
_SHAPES = {"polygon", "polyline", "points", "cuboid", "skeleton", "mask", "ellipse"}
_END_TAG = b"</image>"
_NO_SHAPE = "images without a shape or a tag, which are no votes"
_ElementAttributes = dict[str, str]


def is_cvat(head: str) -> bool:
    """Return whether an XML text is an export of CVAT."""
    return "<annotations>" in head or "<annotations " in head


def read_cvat(stream: BinaryIO, context: ExportContext) -> Iterator[InputRecord]:
    """Yield an annotation for each image. One with a shape that is no rectangle cannot be read, and not shortened."""
    parser = _CvatParser(context)
    while chunk := stream.read(_CHUNK):
        parser.feed(chunk, last=False)
        yield from parser.take()
    parser.feed(b"", last=True)
    yield from parser.take()


class _CvatParser:
    """Collects the images; keeps the bytes of the current one only."""

    def __init__(self, context: ExportContext) -> None:
        self._context, self._ready = context, list[InputRecord]()
        self._path: list[str] = []
        self._about: dict[str, str] = {}
        self._image: _ElementAttributes = {}
        self._boxes: list[dict[str, object]] = []
        self._tags: list[str] = []
        self._problems: list[str] = []
        self._buffer, self._base, self._start, self._line, self._number = b"", 0, 0, 1, 0
        self._parser = xml.parsers.expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._refuse

    def feed(self, chunk: bytes, *, last: bool) -> None:
        """Parse a piece. Raise InputError."""
        self._buffer += chunk
        try:
            self._parser.Parse(chunk, last)
        except xml.parsers.expat.ExpatError as error:
            raise InputError(f"{self._context.path}:{error.lineno}: no XML: {error}") from None
        keep = self._start if "image" in self._path else self._base + len(self._buffer)
        self._buffer, self._base = self._buffer[keep - self._base :], keep

    def take(self) -> list[InputRecord]:
        """Return the records that are complete, and forget them."""
        ready, self._ready = self._ready, []
        return ready

    def _refuse(self, *_: object) -> None:
        raise InputError(f"{self._context.path}: the XML declares a document type, which CVAT does not; it is not read")

    def _begin(self, tag: str, attributes: _ElementAttributes) -> None:
        self._path.append(tag)
        if tag == "track":
            raise InputError(
                f"{self._context.path}:{self._parser.CurrentLineNumber}: this is CVAT's export for video; "
                "export it as 'CVAT for images 1.1', or connect the project with `assay connect cvat`"
            )
        if tag == "image":
            self._image, self._boxes, self._tags, self._problems = attributes, [], [], []
            self._start, self._line = self._parser.CurrentByteIndex, self._parser.CurrentLineNumber
        elif tag == "box":
            self._add_box(attributes)
        elif tag == "tag":
            self._tags.append(attributes.get("label", ""))
        elif tag in _SHAPES:
            self._problems.append(f"a {tag} of '{attributes.get('label', '')}' is no rectangle")

    def _add_box(self, attributes: _ElementAttributes) -> None:
        try:
            left, top, right, bottom = (float(attributes[name]) for name in ("xtl", "ytl", "xbr", "ybr"))
            degrees = float(attributes.get("rotation", 0))
            label = attributes["label"]
        except (KeyError, ValueError):
            self._problems.append("a box has no xtl, ytl, xbr, ybr or label")
            return
        box = turned_box(
            left, top, right - left, bottom - top, degrees=degrees, about=((left + right) / 2, (top + bottom) / 2)
        )
        self._boxes.append({**box, "label": label})

    def _text(self, text: str) -> None:
        if "meta" in self._path and "image" not in self._path:
            name = "/".join(self._path[-2:])
            self._about[name] = self._about.get(name, "") + text

    def _end(self, tag: str) -> None:
        self._path.pop()
        if tag != "image":
            return
        self._number += 1
        end = self._parser.CurrentByteIndex - self._base + len(_END_TAG)
        raw = self._buffer[self._start - self._base : end].decode(errors="surrogateescape")
        if not (self._boxes or self._tags or self._problems):
            self._context.notes[_NO_SHAPE] += 1
            return
        self._ready += self._context.records(self._line, raw, [self._annotation()])

    def _annotation(self) -> Found:
        name, context = self._image.get("name") or self._image.get("id", ""), self._context
        if self._boxes and self._tags:
            self._problems.append("it has both boxes and tags")
        if self._problems:
            return Malformed(f"image '{name}': {'; '.join(dict.fromkeys(self._problems))}; nothing of it is read")
        annotator = self._assignee() or context.annotator("this export")
        tags: object = self._tags if len(self._tags) > 1 or context.kind == "multilabel" else "".join(self._tags)
        width, height = (
            int(size) if (size := self._image.get(one, "")).isdecimal() else None for one in ("width", "height")
        )
        fact = Fact(
            platform="cvat",
            annotation=f"{name}/{annotator}"[:256],
            project=self._about.get("task/id", context.path.stem).strip(),
            item={"id": name, "media": media(name, width=width, height=height)},
            annotator=annotator,
            label=self._boxes or tags,
            occurred_at=moment(self._about.get("task/updated", "").strip().replace(" +", "+")),
        )
        return settle(fact, context.asked(self._number))

    def _assignee(self) -> str | None:
        said = self._context.options.annotator or self._about.get("assignee/username", "").strip()
        return said or None
