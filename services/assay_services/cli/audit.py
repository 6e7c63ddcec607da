"""`assay audit`: check that nothing was lost."""

import asyncio

import typer

from assay_services.archive.settings import ArchiveSettings
from assay_services.audit.end_to_end import audit_chain, print_chain_audit
from assay_services.audit.tables import ABSORBED, JUDGED, print_archive_audit, print_audit
from assay_services.audit.topics import audit as audit_topics
from assay_services.audit.topics import audit_consensus
from assay_services.cli.archive import audit_the_archive
from assay_services.engine.settings import RuntimeSettings
from assay_services.terminal import out, plain_errors


@plain_errors
def audit() -> None:
    """Check the ledgers: records in against outcomes.

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
