"""Dead letters as the archive takes them in, and the contracts that some of them lack."""

from assay_schemas.topics import CONTRACTS, DEAD
from assay_services.archive.store import Store
from tests.services.archive.records import NOW_MS, Came, fetched
from tests.services.archive.test_store import ready, write
from tests.support.builders import a_contract

HOSTILE = b'<script>alert(1)</script>\xe2\x80\xae\x00\xff{"'
"""Bytes that are no annotation and want to be more than text."""
CONTRACT = a_contract().model_dump_json().encode()


def a_letter(offset: int, value: bytes | None, *, reason: str = "not-json", seconds: int = 0) -> Came:
    headers = [
        ("assay-reason", reason.encode()),
        ("assay-field", b"value"),
        ("__connect.errors.exception.message", b"it is no annotation"),
    ]
    return Came(offset, value, timestamp=NOW_MS + 1_000 * seconds, headers=headers)


def bury(store: Store, *letters: Came) -> None:
    """Put dead letters into an archive."""
    write(store, fetched(*letters, topic=DEAD.name, position=0), source=ready(store, DEAD.name))


def put_in_force(store: Store, *values: bytes | None) -> None:
    """Put contracts of one project in force, one after the other; None withdraws what was there."""
    records = [Came(number, value, key=b"ads-safety") for number, value in enumerate(values)]
    write(store, fetched(*records, topic=CONTRACTS.name), source=ready(store, CONTRACTS.name))
