"""The state topic of a service: how state and ledger lie on it, and how they are read back."""

from collections.abc import Iterable, Mapping

from services.runtime.kafka import reading
from services.runtime.ledger import Ledger, load_ledger
from services.runtime.settings import RuntimeSettings
from services.runtime.state import PartitionState
from services.runtime.step import Headers

LEDGER_KEY = b"@ledger"
ENTRY_PREFIX = b"="


def state_records(
    topic: str, stored: Mapping[bytes, bytes | None], ledger: Ledger
) -> Iterable[tuple[str, bytes, bytes | None, Headers]]:
    """Yield the records that a step adds to the state topic; the ledger is always among them."""
    none: Headers = []
    for key, value in stored.items():
        yield topic, ENTRY_PREFIX + key, value, none
    yield topic, LEDGER_KEY, ledger.dump(), none


async def restore(settings: RuntimeSettings, topic: str, number: int) -> tuple[PartitionState, Ledger | None]:
    """Read one partition of a state topic to its end; return the state, and the ledger if there is one yet."""
    state, ledger = PartitionState(), None
    async with reading(settings, topic, number) as reader:
        async for batch in reader.batches():
            for record in batch:
                if record.key == LEDGER_KEY:
                    ledger = load_ledger(record.value)
                else:
                    state.load(record.key[len(ENTRY_PREFIX) :], record.value)
    return state, ledger
