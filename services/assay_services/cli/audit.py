"""`assay audit`: check that nothing was lost."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from assay_services.archive.settings import ArchiveSettings
from assay_services.audit.archive import TopicAudit
from assay_services.audit.end_to_end import ChainAudit, audit_chain
from assay_services.audit.parked_work import find_parked
from assay_services.audit.tables import ABSORBED, JUDGED, archive_table, chain_table, parked_table, partition_table
from assay_services.audit.topics import PartitionAudit, audit_consensus
from assay_services.audit.topics import audit as audit_topics
from assay_services.cli.archive import audit_the_archive
from assay_services.engine.settings import RuntimeSettings
from assay_services.terminal import err, escape, out, plain_errors


@plain_errors
def audit(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False) -> None:
    """Check the ledgers: records in against outcomes.

    For every partition: records in = validated + rejected + dead + superseded. The validated records are compared with
    those that the consensus absorbed, and all topics with the rows of the archive. For each connected platform with an
    API, its live annotations are compared one by one with the gateway, Kafka and the archive. A project whose work has
    stopped at an error is named, with the error.

    Exit code 1 if something does not balance or waits after an error.

    Example: assay audit
    """
    with err.status("counting …"):
        judged = asyncio.run(audit_topics(RuntimeSettings()))
        absorbed = asyncio.run(audit_consensus(RuntimeSettings()))
        parked = asyncio.run(find_parked(RuntimeSettings()))
        archived = audit_the_archive(ArchiveSettings())
        chain = audit_chain()
    problems = [problem for one in (*judged, *absorbed, *(archived or ()), *chain) for problem in one.problems]
    problems += [one.problem for one in parked if one.service not in {"validator", "consensus"}]
    if as_json:
        ledgers = {"validator": judged, "consensus": absorbed, "archive": archived, "connections": chain}
        waiting = [{**asdict(one), "since": one.since.isoformat()} for one in parked]
        sys.stdout.write(json.dumps({**_plain(ledgers), "parked": waiting, "problems": problems}) + "\n")
    else:
        out.print(partition_table(judged, "annotations judged by the validator", JUDGED))
        out.print(partition_table(absorbed, "validated annotations in the consensus", ABSORBED))
        out.print("there is no archive yet" if archived is None else archive_table(archived))
        if chain:
            out.print(chain_table(chain))
        if parked:
            out.print(parked_table(parked))
        for one in chain:
            for problem in one.problems:
                out.print(f"[bold red]✗[/] {one.connection}: {escape(problem)}", highlight=False)
    if problems:
        raise typer.Exit(1)


def _plain(ledgers: Mapping[str, Sequence[Any] | None]) -> dict[str, Any]:
    """Return ledgers as plain data: the counts of each row, and its problems."""
    return {
        name: None if found is None else [_row(one) | {"problems": one.problems} for one in found]
        for name, found in ledgers.items()
    }


def _row(one: ChainAudit | PartitionAudit | TopicAudit) -> dict[str, Any]:
    if isinstance(one, ChainAudit):
        stations = {name: len(there) for name, there in one.stations.items()}
        return {"connection": one.connection, "platform": len(one.platform), **stations}
    return {**asdict(one), "waiting": one.waiting}
