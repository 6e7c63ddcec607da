"""`assay tail`, `assay audit`, `assay schema`: look at what is there."""

import asyncio
import sys
from contextlib import suppress
from typing import Annotated, Any

import orjson
import typer

from assay_schemas.topics import TOPICS
from assay_services.archive.settings import ArchiveSettings
from assay_services.audit.end_to_end import audit_chain, print_chain_audit
from assay_services.audit.tables import ABSORBED, JUDGED, print_archive_audit, print_audit
from assay_services.audit.topics import audit as audit_topics
from assay_services.audit.topics import audit_consensus
from assay_services.cli.archive import audit_the_archive
from assay_services.devtools.asyncapi import asyncapi_document, json_schemas
from assay_services.engine.kafka import make_consumer
from assay_services.engine.settings import RuntimeSettings
from assay_services.terminal import fail, out, plain_errors, run_async


@plain_errors
def tail(
    topic: Annotated[str, typer.Argument(help="A topic, e.g. annotations.rejected.")],
    beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Show what is there, not only what comes.")
    ] = False,
    count: Annotated[int | None, typer.Option("--count", "-n", min=1, help="Stop after so many records.")] = None,
) -> None:
    """Print the records of a topic as they come, one JSON line each.

    Example: assay tail annotations.rejected --from-beginning -n 5
    """
    known = [one.name for one in TOPICS]
    if topic not in known:
        fail(f"there is no topic '{topic}'; there are: {', '.join(known)}")
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


@plain_errors
def audit() -> None:
    """Check the ledgers: what came in against what became of it, for every partition.

    The validator's verdicts are counted on their topics: records in = validated + rejected + dead + superseded. The
    validated ones are counted against what the consensus took in, and all topics against the rows of the archive. What
    each connected platform has (by its API) is compared with the gateway, Kafka and the archive, one by one.
    Ends with exit code 1 if something does not balance.

    Example: assay audit
    """
    with out.status("counting …"):
        found = asyncio.run(audit_topics(RuntimeSettings()))
        absorbed = asyncio.run(audit_consensus(RuntimeSettings()))
        archived = audit_the_archive(ArchiveSettings())
    print_audit(found, "annotations judged by the validator", JUDGED)
    print_audit(absorbed, "validated annotations in the consensus", ABSORBED)
    if archived is None:
        out.print("archive: there is none yet")
    else:
        print_archive_audit(archived)
    chain = audit_chain()
    if chain:
        print_chain_audit(chain)
    if any(one.problems for one in (*found, *absorbed, *(archived or ()), *chain)):
        raise typer.Exit(1)


@plain_errors
def schema(
    name: Annotated[str | None, typer.Argument(help="A schema's name, or 'asyncapi'; without it, all names.")] = None,
) -> None:
    """Print the JSON Schema of an event, or the AsyncAPI document of all topics.

    Example: assay schema annotation
    """
    documents = {**json_schemas(), "asyncapi": asyncapi_document()}
    if name is None:
        for each in documents:
            out.print(each)
        return
    if name not in documents:
        fail(f"there is no schema '{name}'; there are: {', '.join(documents)}")
    sys.stdout.write(orjson.dumps(documents[name], option=orjson.OPT_INDENT_2).decode() + "\n")
