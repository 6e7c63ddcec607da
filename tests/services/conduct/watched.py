"""Print what conduct says and keeps of made-up annotations: `python -m tests.services.conduct.watched`.

The first line names the files it runs from; the rest must be the same whatever these are.
"""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

import orjson

from assay_models import conduct
from assay_models.conduct.stream import POOL, ConductStream
from tests.models.conduct.builders import CONTRACT, a_copy
from tests.models.conduct.test_stream import a_drop, a_pool
from tests.services.conduct.core.test_step import Watched, batches, copied, judged
from tests.services.consensus.records import BEGAN_MS, ARecord

_LATER = BEGAN_MS + 10**9


def files() -> dict[str, str | None]:
    """Return from which file each module comes."""
    names = [f"{conduct.__name__}.{one.name}" for one in iter_modules(conduct.__path__)]
    return {name: import_module(name).__file__ for name in names}


def of_a_stream() -> Iterator[object]:
    """Yield what a stream says, restored midway, and what it keeps."""
    stream = ConductStream(CONTRACT)
    for place, one in enumerate([*a_pool(5, 80), *a_drop()]):
        yield from (signal.model_dump(mode="json") for signal in stream.put(one))
        if place % 100 == 1:
            stream = a_copy(stream)
    for name in (POOL, "a17", *(f"b{number:02}" for number in range(5))):
        yield stream.dump(name)


def of_a_worker() -> Iterator[object]:
    """Yield what the core says, restarted midway, and what it keeps; some records are not what they should be."""
    watched = Watched()
    for batch in batches(judged()):
        watched.take(batch)
        damaged = [(one.value or b"").replace(b'"text_length":', b'"text_length":1e3,"x":') for one in batch]
        values = [*damaged, None, b"[]", b'{"annotations":[null]}', b"\xff"]
        watched.take([ARecord(value, timestamp=BEGAN_MS, offset=10**6) for value in values])
        said, watched = watched.said, Watched(copied(watched.state))
        watched.said = said
    watched.rest(_LATER)
    for one in watched.said:
        yield [one.topic, orjson.loads(one.value or b"null")]
    for key, value in watched.state.values():
        yield [key.decode(), value.decode()]


if __name__ == "__main__":
    for found in (files(), *of_a_stream(), *of_a_worker()):
        print(orjson.dumps(found).decode())  # noqa: T201  # it is what this program is for
