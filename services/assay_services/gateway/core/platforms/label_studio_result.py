"""Convert a Label Studio `result` to one label: choose the control that counts, and read its regions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assay_services.gateway.core.platforms.annotation_facts import NOTHING_MARKED
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
from assay_services.gateway.core.platforms.label_studio_item import Shown
from assay_services.gateway.core.platforms.label_studio_leftovers import LabelParts, left_out
from assay_services.gateway.core.platforms.label_studio_regions import regions_label
from assay_services.gateway.core.platforms.label_studio_types import READ, REGIONS, REMARKS, WORDS, type_of
from assay_services.gateway.core.unread_part import UnreadPart

_PATH = "/"


@dataclass(frozen=True, slots=True)
class ResultLabel:
    """The label of a result. `label` is None if it is empty; `control` is the chosen one, if any.

    `notes`: choices that were made. `unread`: parts that the label is complete without.
    """

    label: object
    control: str | None
    notes: tuple[str, ...] = ()
    unread: tuple[UnreadPart, ...] = ()


@dataclass(frozen=True, slots=True)
class _Chosen:
    control: str | None
    notes: tuple[str, ...]


ShownOf = Callable[[str | None], Shown]
"""A function that returns what a control shows."""


def label_of(
    result: object, config: LabelConfig, controls: Sequence[str], shown_of: ShownOf
) -> ResultLabel | Malformed:
    """Read a result. `controls` are the ones that a person chose, in order of preference."""
    regions = _objects(result)
    if regions is None or isinstance(regions, Malformed):
        return ResultLabel(None, None) if regions is None else regions
    if not regions and not config.controls and not controls:
        return ResultLabel(NOTHING_MARKED, None)
    chosen = _choose(regions, config, controls)
    if isinstance(chosen, Malformed):
        return chosen
    own = [one for one in regions if one.get("from_name") == chosen.control and type_of(one) in READ]
    parts = LabelParts(regions, own, chosen.control, is_named=bool(controls))
    unread = left_out(parts, config)
    if isinstance(unread, Malformed):
        return unread
    return _label(parts, chosen, config, shown_of(chosen.control), unread)


def _objects(result: object) -> Sequence[JsonFields] | Malformed | None:
    if result is None:
        return None
    if not isinstance(result, list):
        return Malformed(f"result is {kind_of(result)}; a list is wanted")
    strange = next((place for place, one in enumerate(result) if not isinstance(one, dict)), None)
    if strange is not None:
        return Malformed(f"result[{strange}] is {kind_of(result[strange])}; an object is wanted")
    return [fields(one) for one in result]


def _label(
    parts: LabelParts, chosen: _Chosen, config: LabelConfig, shown: Shown, unread: tuple[UnreadPart, ...]
) -> ResultLabel | Malformed:
    pages = sorted({page for one in parts.own if (page := whole(one.get("item_index"))) is not None})
    if pages and (shown.pages > 1 or pages != [0]):
        return Malformed(
            f"it is about pages of an item ({', '.join(str(page + 1) for page in pages)}); a label is about one image "
            "or text: import each page as a task of its own"
        )
    known = config.controls.get(chosen.control or "")
    kind = type_of(parts.own[0]) if parts.own else (known.tag if known is not None else "")
    if any((type_of(one) in REGIONS) != (kind in REGIONS) for one in parts.own):
        return Malformed(f"the control {quoted(chosen.control)} holds results of several kinds")
    if kind in REGIONS:
        regions = regions_label(parts.own, shown.text)
        if isinstance(regions, Malformed):
            return regions
        notes, more = (*chosen.notes, *regions.notes), (*unread, *regions.unread)
        return ResultLabel(regions.label, chosen.control, notes, more)
    label = _read(parts.own, kind, several=known is not None and known.multiple)
    return label if isinstance(label, Malformed) else ResultLabel(label, chosen.control, chosen.notes, unread)


def _choose(regions: Sequence[JsonFields], config: LabelConfig, named: Sequence[str]) -> _Chosen | Malformed:
    """Choose the control: the first of `named` that is present, else the only one, else the first in the config."""
    present = _present(regions, config)
    of_config = [one.name for one in config.controls.values() if one.labels]
    if named:
        found = [name for name in named if name in present or name in config.controls]
        return _Chosen(found[0], ()) if found else Malformed("there is none of the controls named in the settings")
    candidates = of_config or list(present)
    remarks = {one.name for one in config.controls.values() if one.remarks}
    remarks |= {name for name, kind in present.items() if kind in REMARKS}
    main = [name for name in candidates if name not in remarks] or candidates
    if not main:
        return _Chosen(None, ())
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
        if isinstance(name, str) and type_of(one) in READ and not config.is_per_region(name):
            found.setdefault(name, type_of(one))
    return found


def _list(names: Sequence[str]) -> str:
    return ", ".join(quoted(name) for name in names)


def _read(own: Sequence[JsonFields], kind: str, *, several: bool) -> object:
    """Read the results of a control that marks nothing: a label, None if it was left empty, or Malformed."""
    if not own:
        return [] if several else None
    return _texts(own, several=several) if kind in WORDS else _single(own, kind)


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
        value = fields(one.get("value")).get("text" if type_of(one) == "textarea" else type_of(one))
        entries: Sequence[object] = value if isinstance(value, list) else [value]
        for entry in entries:
            word = _PATH.join(map(str, listing(entry))) if _is_path(entry) else entry
            if not isinstance(word, str):
                return Malformed(f"the value of {quoted(type_of(one))} holds {kind_of(word)}; a text is wanted")
            words[word] = None
    if several or len(words) != 1:
        return list(words) if words or several else None
    return next(iter(words))


def _is_path(entry: object) -> bool:
    return bool(listing(entry)) and all(isinstance(step, str) for step in listing(entry))
