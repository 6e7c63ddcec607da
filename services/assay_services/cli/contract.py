"""`assay contract …`: check, apply, show and list label contracts."""

from pathlib import Path
from typing import Annotated

import typer
from rich.syntax import Syntax
from rich.table import Table

from assay_schemas.contract.label_contract import LabelContract
from assay_services.engine.contract_table import publish_contract, read_contracts
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.ingest.contract_files.contract_file import load_contract
from assay_services.terminal import fail, out, plain_errors, run_async

app = typer.Typer(no_args_is_help=True, help="Check, apply, show and list label contracts.")

_File = Annotated[Path, typer.Argument(help="A contract in YAML.")]


@app.command()
@plain_errors
def check(file: _File) -> None:
    """Check a contract file; say every problem by file, line and field.

    Example: assay contract check contracts/ads-safety.yaml
    """
    contract = load_contract(file)
    out.print(f"[green]✓[/] {file}: {_summary(contract)}")


@app.command()
@plain_errors
def apply(file: _File) -> None:
    """Check a contract and put it in force for all running workers.

    Example: assay contract apply contracts/ads-safety.yaml
    """
    contract = load_contract(file)
    run_async(_apply(contract))
    out.print(f"[green]✓[/] in force: {_summary(contract)}")


@app.command()
@plain_errors
def show(project: Annotated[str, typer.Argument(help="The project's name.")]) -> None:
    """Show the contract in force for a project.

    Example: assay contract show ads-safety
    """
    found = run_async(read_contracts(RuntimeSettings()))
    if project not in found:
        fail(f"there is no contract for '{project}'; in force are: {', '.join(sorted(found)) or 'none'}")
    out.print(Syntax(found[project].model_dump_json(indent=2, exclude_none=True), "json"))


@app.command("list")
@plain_errors
def list_contracts() -> None:
    """List the contracts in force.

    Example: assay contract list
    """
    table = Table("project", "version", "label", "redundancy", "rules", "model")
    for contract in sorted(run_async(read_contracts(RuntimeSettings())).values(), key=lambda c: c.project):
        model = "-" if contract.model is None else contract.model.path
        table.add_row(
            contract.project,
            str(contract.version),
            contract.label.kind,
            str(contract.redundancy),
            str(len(contract.rules)),
            model,
        )
    out.print(table)


async def _apply(contract: LabelContract) -> None:
    settings = RuntimeSettings()
    await ensure_topics(settings)
    in_force = (await read_contracts(settings)).get(contract.project)
    if in_force is not None and in_force.version > contract.version:
        fail(f"version {in_force.version} of '{contract.project}' is in force; this file is version {contract.version}")
    if in_force is not None and in_force.version == contract.version and in_force != contract:
        fail(
            f"another contract of version {contract.version} is in force for '{contract.project}'; "
            f"give this one 'version: {contract.version + 1}', since every verdict names its version"
        )
    await publish_contract(settings, contract)


def _summary(contract: LabelContract) -> str:
    return (
        f"{contract.project} version {contract.version}, {contract.label.kind}, {len(contract.rules)} rules of its own"
    )
