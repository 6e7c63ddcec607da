"""The items of a partition: bytes in the state, and those at hand as they are."""

from assay_services.consensus.core.item_state import ConsensusItem, load_item
from assay_services.engine.core.state import PartitionState

ITEM_PREFIX = b"i:"
_AT_HAND = 5_000
"""An item's annotations come near each other: of those written last, most are wanted again soon."""


class ItemCache:
    """Items by their keys, without the prefix that they have in the state. It changes in place.

    Who takes an item and changes it has to put it back. Only bytes survive: where nothing has to, all items stay at
    hand, and none is written.
    """

    def __init__(self, state: PartitionState, *, survives: bool) -> None:
        """Take the state that the items lie in."""
        self._state = state
        self._survives = survives
        self._at_hand: dict[bytes, ConsensusItem] = {}

    def get(self, key: bytes) -> ConsensusItem | None:
        """Return an item, or None where it is not known."""
        item = self._at_hand.get(key)
        if item is not None:
            return item
        stored = self._state.get(ITEM_PREFIX + key)
        return None if stored is None else load_item(stored)

    def load(self, key: bytes) -> ConsensusItem:
        """Return an item that is known; raise KeyError where it is not."""
        item = self.get(key)
        if item is None:
            raise KeyError(key)
        return item

    def put(self, key: bytes, item: ConsensusItem) -> bytes:
        """Have this item at hand, and return what is to be written of it."""
        if not self._survives:
            self._at_hand[key] = item
            return b""
        self._at_hand.pop(key, None)  # so that it comes last
        self._at_hand[key] = item
        if len(self._at_hand) > _AT_HAND:
            del self._at_hand[next(iter(self._at_hand))]
        return item.dump()

    def drop(self, key: bytes) -> None:
        """Forget an item."""
        self._at_hand.pop(key, None)
