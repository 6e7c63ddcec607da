"""Erase an item or an annotator from conduct: checkpoints, log entries, and published reports."""

from collections.abc import Iterator
from typing import Any

import orjson

from assay_models.conduct.annotator import AnnotatorState
from assay_models.conduct.stream import POOL
from assay_schemas.annotation import AnnotatorId
from assay_schemas.topics import CONDUCT
from assay_services.conduct.core.step import DIARY, KNOWN, known_key
from assay_services.engine.core.core_api import Output
from assay_services.engine.core.erasure_request import Erasure, ErasureRequest, Published, rewritten
from assay_services.engine.core.state import PartitionState

_REPORTS = CONDUCT.name


def forget(state: PartitionState, published: Published, whom: ErasureRequest) -> Erasure:
    """Return the changes to the state, and the reports to delete or rewrite.

    Conclusions stay, and so do sums from which one annotator cannot be removed.
    """
    changed: dict[bytes, bytes | None] = {}
    for key, value in state.values():
        if key.startswith(DIARY):
            page = orjson.loads(value)
            kept = [text for text in (_judged(text, whom) for text in page) if text is not None]
            if kept != page:
                changed[key] = rewritten(state, key, orjson.dumps(kept))
        elif key.startswith(KNOWN):
            _known(state, key, value, whom, changed)
    return Erasure(changed, list(_reports(published, whom)))


def _judged(text: str, whom: ErasureRequest) -> str | None:
    """Return a judged item without the erased parts; None if nothing is left."""
    item = orjson.loads(text)
    if whom.project not in {None, item["project"]}:
        return text
    if whom.is_item:
        return None if item["item"] == whom.name else text
    if all(one["annotator"] != whom.name for one in item["annotations"]):
        return text
    item["annotations"] = [one for each in item["annotations"] for one in _renamed(each, whom)]
    return orjson.dumps(item).decode() if item["annotations"] else None


def _renamed(about: dict[str, Any], whom: ErasureRequest, *, field: str = "annotator") -> list[dict[str, Any]]:
    """Return a one-element list with the record, renamed for a pseudonym, or an empty list if it is erased."""
    if about[field] != whom.name:
        return [about]
    return [] if whom.pseudonym is None else [{**about, field: whom.pseudonym}]


def _known(
    state: PartitionState, key: bytes, value: bytes, whom: ErasureRequest, changed: dict[bytes, bytes | None]
) -> None:
    project, annotator, number, known = orjson.loads(value)
    if whom.project not in {None, project}:
        return
    if whom.is_annotator(project, annotator):
        changed[key] = None
        if whom.pseudonym is not None:
            known = [_newcomers(text, whom) for text in known] if _is_newcomer(known) else known
            renamed = orjson.dumps([project, whom.pseudonym, number, known])
            changed[known_key(project, whom.pseudonym)] = rewritten(state, key, renamed)
        return
    kept = _kept(annotator, known, whom)
    if kept != known:
        changed[key] = rewritten(state, key, orjson.dumps([project, annotator, number, kept])) if kept else None


def _kept(annotator: AnnotatorId, known: list[Any], whom: ErasureRequest) -> list[Any]:
    """Return what is left of another annotator's checkpoint, or of the pool's."""
    if annotator == POOL:
        return known if whom.is_item else [known[0], *(_without(names, whom) for names in known[1:])]
    if _is_newcomer(known):
        return [text for text in (_newcomers(text, whom) for text in known) if text is not None]
    own = AnnotatorState.load(known)
    found = own.forget_item(whom.item) if whom.is_item else own.forget_peer(whom.annotator, whom.pseudonym)
    return own.dump() if found else known


def _without(names: Any, whom: ErasureRequest) -> Any:  # noqa: ANN401  # names with evidence, or only names
    """Return the names without the annotator's, or with the pseudonym in its place."""
    if whom.name not in names:
        return names
    to = {whom.name: whom.pseudonym}
    if isinstance(names, dict):
        return {new: value for name, value in names.items() if (new := to.get(name, name)) is not None}
    return [new for name in names if (new := to.get(name, name)) is not None]


def _is_newcomer(known: list[Any]) -> bool:
    return isinstance(known[0], str)


def _newcomers(text: str, whom: ErasureRequest) -> str | None:
    """Return a stored annotation of an annotator with few annotations; None if it is erased."""
    kept = orjson.loads(text)
    if whom.is_item:
        return None if kept["item"] == whom.name else text
    if kept["annotator"] == whom.name:
        kept["annotator"] = whom.pseudonym
    elif whom.name in kept["others"]:
        kept["others"] = _without(kept["others"], whom)
    else:
        return text
    return orjson.dumps(kept).decode()


def _reports(published: Published, whom: ErasureRequest) -> Iterator[Output]:
    if whom.is_item:
        return
    for key, value in published[_REPORTS].items():
        report = orjson.loads(value)
        if whom.project not in {None, report["project"]}:
            continue
        if report["annotator"] == whom.name:
            yield Output(_REPORTS, key, None, [])
            if whom.pseudonym is None:
                continue
        elif all(peer["peer"] != whom.name for peer in report["peers"]):
            continue
        (report,) = _renamed(report, whom)
        report["peers"] = [one for each in report["peers"] for one in _renamed(each, whom, field="peer")]
        yield Output(_REPORTS, f"{report['project']}:{report['annotator']}".encode(), orjson.dumps(report), [])
