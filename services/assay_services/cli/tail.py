"""`assay tail`: print the records of a topic as they arrive."""

import sys
from contextlib import suppress
from typing import Annotated, Any

import orjson
import typer

from assay_schemas.topics import TOPICS
from assay_services.engine.kafka import make_consumer
from assay_services.engine.settings import RuntimeSettings
from assay_services.terminal import fail, plain_errors, run_async


@plain_errors
def tail(
    topic: Annotated[str, typer.Argument(help="A topic, e.g. annotations.rejected.")],
    beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Also print the records that already exist.")
    ] = False,
    count: Annotated[int | None, typer.Option("--count", "-n", min=1, help="Stop after this many records.")] = None,
) -> None:
    """Print the records of a topic as they arrive.

    One JSON line per record.

    Example: assay tail annotations.rejected --from-beginning -n 5
    """
    known = [one.name for one in TOPICS]
    if topic not in known:
        fail(f"no topic is named '{topic}'; topics: {', '.join(known)}")
    with suppress(KeyboardInterrupt):
        run_async(_tail(topic, beginning=beginning, count=count))


async def _tail(topic: str, *, beginning: bool, count: int | None) -> None:
    consumer = make_consumer(RuntimeSettings(), topic, auto_offset_reset="earliest" if beginning else "latest")
    await consumer.start()
    try:
        seen = 0
        async for record in consumer:
            sys.stdout.write(_line(record) + "\n")
            sys.stdout.flush()
            seen += 1
            if count is not None and seen >= count:
                return
    finally:
        await consumer.stop()


def _line(record: Any) -> str:  # noqa: ANN401  # aiokafka's own record
    about = {
        "partition": record.partition,
        "offset": record.offset,
        "key": None if record.key is None else record.key.decode(errors="replace"),
        "headers": {name: (value or b"").decode(errors="replace") for name, value in record.headers},
    }
    try:
        about["value"] = None if record.value is None else orjson.loads(record.value)
    except orjson.JSONDecodeError:
        about["value"] = (record.value or b"").decode(errors="backslashreplace")
    return orjson.dumps(about).decode()
