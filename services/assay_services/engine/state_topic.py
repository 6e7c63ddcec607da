"""Write the state and the ledger of a service to its state topic, and restore them from it."""

from collections.abc import Iterable, Mapping

from assay_services.engine.core.core_api import Headers
from assay_services.engine.core.ledger import Ledger, load_ledger
from assay_services.engine.core.state import PartitionState
from assay_services.engine.kafka import partition_reader
from assay_services.engine.settings import RuntimeSettings

LEDGER_KEY = b"@ledger"
ENTRY_PREFIX = b"="


def state_records(
    topic: str, stored: Mapping[bytes, bytes | None], ledger: Ledger
) -> Iterable[tuple[str, bytes, bytes | None, Headers]]:
    """Yield the records that a step writes to the state topic; the last one is the ledger."""
    none: Headers = []
    for key, value in stored.items():
        yield topic, ENTRY_PREFIX + key, value, none
    yield topic, LEDGER_KEY, ledger.dump(), none


async def restore(settings: RuntimeSettings, topic: str, number: int) -> tuple[PartitionState, Ledger | None]:
    """Read one partition of a state topic to its end; return its state and ledger (None before the first commit)."""
    state, ledger = PartitionState(), None
    async with partition_reader(settings, topic, number) as reader:
        async for batch in reader.batches():
            for record in batch:
                if record.key == LEDGER_KEY:
                    ledger = load_ledger(record.value)
                else:
                    state.load(record.key[len(ENTRY_PREFIX) :], record.value)
    return state, ledger
