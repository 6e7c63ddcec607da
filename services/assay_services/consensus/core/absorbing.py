"""How an item takes over an annotation: the newest of each annotator counts, whatever the order of arrival."""

from assay_services.consensus.core.decode import Heard
from assay_services.consensus.core.item_state import OpenItem

_ADJUDICATOR = "adjudicator"


def absorb(item: OpenItem, heard: Heard) -> bool:
    """Take over an annotation; False, and nothing changes, where something at least as new is known."""
    who = heard.annotator
    known = item.votes.get(who)
    if heard.occurred < item.gone.get(who, -1):
        return False
    if known is not None and (known.occurred, known.annotation) >= (heard.occurred, heard.annotation):
        return False
    if heard.occurred >= item.seen:
        item.seen, item.length, item.attributes = heard.occurred, heard.length, dict(heard.attributes)
    item.gold = item.gold if heard.gold is None else heard.gold
    if heard.kind == _ADJUDICATOR:
        return _absorb_word(item, heard)
    item.view = {**item.view, **heard.view}
    if heard.vote is None:
        item.votes.pop(who, None)
        item.gone[who] = heard.occurred
    else:
        item.votes[who] = heard.vote
        item.gone.pop(who, None)
    return True


def _absorb_word(item: OpenItem, heard: Heard) -> bool:
    if item.word is not None and item.word.occurred > heard.occurred:
        return False
    item.word = heard.vote
    item.votes = {who: vote._replace(judged=False) for who, vote in item.votes.items()}
    if heard.vote is None:
        item.gone[heard.annotator] = heard.occurred
    return True
