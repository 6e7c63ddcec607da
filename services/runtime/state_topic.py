"""The state topic of a service: how state and ledger lie on it, and how they are read back."""

from collections.abc import Iterable

from services.runtime.kafka import reading
from services.runtime.ledger import Ledger, load_ledger
from services.runtime.settings import RuntimeSettings
from services.runtime.state import PartitionState, stored_form
from services.runtime.step import Output, Step

LEDGER_KEY = b"@ledger"
ENTRY_PREFIX = b"="


def state_records(topic: str, step: Step, ledger: Ledger) -> Iterable[Output]:
    """Yield the records that a step adds to the state topic; the ledger is always among them."""
    for key, entry in step.changes.items():
        yield Output(topic, ENTRY_PREFIX + key, None if entry is None else stored_form(entry), [])
    yield Output(topic, LEDGER_KEY, ledger.dump(), [])


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
