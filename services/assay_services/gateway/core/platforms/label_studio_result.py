"""Convert a Label Studio `result` to one label: choose the control that counts, and read its regions."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assay_services.gateway.core.platforms.boxes import bounding_box, points_of, turned_box
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    fields,
    kind_of,
    listing,
    number,
    quoted,
    whole,
)
from assay_services.gateway.core.platforms.label_studio_config import LabelConfig

_WORDS = ("choices", "taxonomy", "textarea", "datetime")
_NUMBERS = ("rating", "number")
_REGIONS = ("labels", "hypertextlabels", "rectanglelabels", "polygonlabels")
_READ = {*_WORDS, *_NUMBERS, *_REGIONS, "pairwise"}
_REMARKS = ("textarea", "datetime")
_PATH = "/"


@dataclass(frozen=True, slots=True)
class ResultLabel:
    """The label of a result. `label` is None if it is empty; `control` is the chosen one, if any.

    `problems`: choices that were made, and parts that are not read.
    """

    label: object
    control: str | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Chosen:
    control: str | None
    problems: tuple[str, ...]


TextOf = Callable[[str | None], str | None]
"""A function that returns the text shown by a control."""


def label_of(result: object, config: LabelConfig, controls: Sequence[str], text_of: TextOf) -> ResultLabel | Malformed:
    """Read a result. `controls` are the ones that a person chose, in order of preference."""
    if result is None:
        return ResultLabel(None, None)
    if not isinstance(result, list):
        return Malformed(f"result is {kind_of(result)}; a list is wanted")
    strange = next((place for place, one in enumerate(result) if not isinstance(one, dict)), None)
    if strange is not None:
        return Malformed(f"result[{strange}] is {kind_of(result[strange])}; an object is wanted")
    regions = [fields(one) for one in result]
    chosen = _choose(regions, config, controls)
    if isinstance(chosen, Malformed):
        return chosen
    own = [one for one in regions if one.get("from_name") == chosen.control and _type(one) in _READ]
    label = _read(own, config, chosen.control, text_of)
    if isinstance(label, Malformed):
        return label
    return ResultLabel(label, chosen.control, (*chosen.problems, *_not_read(regions)))


def _type(region: JsonFields) -> str:
    found = region.get("type")
    return found.lower() if isinstance(found, str) else ""


def _choose(regions: Sequence[JsonFields], config: LabelConfig, named: Sequence[str]) -> _Chosen | Malformed:
    """Choose the control: the first of `named` that is present, else the only one, else the first in the config."""
    present = _present(regions, config)
    of_config = [one.name for one in config.controls.values() if one.labels]
    if named:
        found = [name for name in named if name in present or name in config.controls]
        return _Chosen(found[0], ()) if found else Malformed("there is none of the controls named in the settings")
    candidates = of_config or list(present)
    remarks = {one.name for one in config.controls.values() if one.remarks}
    remarks |= {name for name, kind in present.items() if kind in _REMARKS}
    main = [name for name in candidates if name not in remarks] or candidates
    if not main:
        kinds = ", ".join(sorted({_type(one) or "no type" for one in regions}))
        return Malformed(f"it holds only what is not read: {quoted(kinds)}") if regions else _Chosen(None, ())
    if len(main) == 1:
        unknown = [name for name in present if of_config and name not in config.controls]
        return _Chosen(main[0], tuple(f"there is no control {quoted(name)} in the label config" for name in unknown))
    if not of_config:
        return Malformed(f"several controls could be the label ({_list(main)}); name one in the settings")
    return _Chosen(main[0], (f"of the controls {_list(main)} the first is taken; name one in the settings",))


def _present(regions: Sequence[JsonFields], config: LabelConfig) -> dict[str, str]:
    """Return the controls with readable regions in the result, with their types."""
    found: dict[str, str] = {}
    for one in regions:
        name = one.get("from_name")
        if isinstance(name, str) and _type(one) in _READ and not _per_region(config, name):
            found.setdefault(name, _type(one))
    return found


def _per_region(config: LabelConfig, name: str) -> bool:
    control = config.controls.get(name)
    return control is not None and control.per_region


def _list(names: Sequence[str]) -> str:
    return ", ".join(quoted(name) for name in names)


def _not_read(regions: Sequence[JsonFields]) -> list[str]:
    """Return the types of regions that are never read."""
    kinds = {_type(one) or "no type" for one in regions if _type(one) not in _READ}
    return [f"{quoted(kind)} is not read" for kind in sorted(kinds)]


def _read(own: Sequence[JsonFields], config: LabelConfig, control: str | None, text_of: TextOf) -> object:
    """Read one control's regions: a label, None if it was left empty, or Malformed."""
    known = config.controls.get(control or "")
    kind = _type(own[0]) if own else (known.tag if known is not None else "")
    several = known is not None and known.multiple
    if any((_type(one) in _REGIONS) != (kind in _REGIONS) for one in own):
        return Malformed(f"the control {quoted(control)} holds results of several kinds")
    if kind in _REGIONS:
        return _regions(own, text_of(control))
    if not own:
        return [] if several else None
    if kind in _WORDS:
        return _texts(own, several=several)
    return _single(own, kind)


def _single(own: Sequence[JsonFields], kind: str) -> object:
    """Read a rating, a number, or the preferred one of a pair."""
    if len(own) > 1:
        return Malformed(f"there are {len(own)} results of the type {quoted(kind)}; one is wanted")
    value = fields(own[0].get("value")).get("selected" if kind == "pairwise" else kind)
    if kind == "pairwise":
        return value if isinstance(value, str) else Malformed("the value of 'pairwise' is no text")
    exact = whole(value)
    found = number(value) if exact is None else exact
    return Malformed(f"the value of {quoted(kind)} is no number") if found is None else found


def _texts(own: Sequence[JsonFields], *, several: bool) -> object:
    words: dict[str, None] = {}
    for one in own:
        value = fields(one.get("value")).get("text" if _type(one) == "textarea" else _type(one))
        entries: Sequence[object] = value if isinstance(value, list) else [value]
        for entry in entries:
            word = _PATH.join(map(str, listing(entry))) if _is_path(entry) else entry
            if not isinstance(word, str):
                return Malformed(f"the value of {quoted(_type(one))} holds {kind_of(word)}; a text is wanted")
            words[word] = None
    if several or len(words) != 1:
        return list(words) if words or several else None
    return next(iter(words))


def _is_path(entry: object) -> bool:
    return bool(listing(entry)) and all(isinstance(step, str) for step in listing(entry))


def _regions(own: Sequence[JsonFields], text: str | None) -> object:
    """Read spans or boxes. One unreadable region makes the label unreadable: without it, it would be wrong."""
    convert = from_utf16(text or "")
    found: list[dict[str, object]] = []
    for place, one in enumerate(own):
        part = _region(one, text, convert)
        if isinstance(part, Malformed):
            return Malformed(f"region {place + 1} of {quoted(one.get('from_name'))}: {part.reason}")
        words = _region_texts(one)
        if isinstance(words, Malformed):
            return Malformed(f"region {place + 1} of {quoted(one.get('from_name'))}: {words.reason}")
        found += [{**part, "label": word} for word in words]
    if len({"start" in part for part in found}) > 1:
        return Malformed("the label holds both spans and boxes")
    return found


def _region_texts(region: JsonFields) -> Sequence[str] | Malformed:
    value = fields(region.get("value"))
    words = listing(value.get(_type(region), value.get("labels")))
    named = [word for word in words if isinstance(word, str)]
    return named if named and len(named) == len(words) else Malformed("it has no label")


def _region(region: JsonFields, text: str | None, convert: Callable[[int], int]) -> JsonFields | Malformed:
    value = fields(region.get("value"))
    if "points" in value or "width" in value:
        return _box(region, value)
    start, end = whole(value.get("start")), whole(value.get("end"))
    if start is None or end is None or "channel" in value or "original_length" in region:
        return Malformed("only spans of plain text, rectangles and polygons are read")
    given = value.get("text")
    plain = text is not None and isinstance(given, str) and text[max(start, 0) : max(end, 0)] == given
    # A user's own script may count code points: the text that it sends along shows it.
    return {"start": start, "end": end} if plain else {"start": convert(start), "end": convert(end)}


def _box(region: JsonFields, value: JsonFields) -> JsonFields | Malformed:
    wide, high = number(region.get("original_width")) or 0, number(region.get("original_height")) or 0
    if wide <= 0 or high <= 0:
        return Malformed("the image's size (original_width, original_height) is missing")
    if "points" in value:
        points = points_of(value["points"])
        if points is None:
            return Malformed("its points are no list of [x, y]")
        return bounding_box([(x * wide / 100, y * high / 100) for x, y in points])
    x, y, width, height = (number(value.get(name)) for name in ("x", "y", "width", "height"))
    if x is None or y is None or width is None or height is None:
        return Malformed("x, y, width and height are no numbers")
    left, top, degrees = x * wide / 100, y * high / 100, number(value.get("rotation")) or 0
    return turned_box(left, top, width * wide / 100, height * high / 100, degrees=degrees, about=(left, top))


_LAST_OF_ONE_UNIT = "\uffff"


def from_utf16(text: str) -> Callable[[int], int]:
    """Return a function from UTF-16 offsets to code points; an offset inside a surrogate pair becomes its start."""
    pairs: list[int] = []
    for place, sign in enumerate(text):
        if sign > _LAST_OF_ONE_UNIT:
            pairs.append(place + len(pairs))
    return lambda offset: offset - bisect_left(pairs, offset)
