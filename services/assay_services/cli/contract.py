"""`assay contract …`: check, apply, show and list label contracts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from assay_models.truth.label_form import most_certain
from assay_schemas.annotation import ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_services.ingest.contract_files.contract_file import load_contract
from assay_services.terminal import err, fail, out, plain_errors, print_rows, run_async

app = typer.Typer(no_args_is_help=True, help="Check, apply, show and list label contracts.")

_File = Annotated[Path, typer.Argument(help="A contract in YAML.")]


@app.command()
@plain_errors
def check(file: _File) -> None:
    """Check a contract file; report every problem by file, line and field.

    Example: assay contract check contracts/ads-safety.yaml
    """
    contract = load_contract(file)
    out.print(f"[green]✓[/] {file}: {_summary(contract)}")
    _warn_if_out_of_reach(contract)


@app.command()
@plain_errors
def apply(file: _File) -> None:
    """Check a contract and put it in force for all running workers.

    Example: assay contract apply contracts/ads-safety.yaml
    """
    contract = load_contract(file)
    run_async(_apply(contract))
    _warn_if_out_of_reach(contract)
    out.print(f"[green]✓[/] in force: {_summary(contract)}")


def _warn_if_out_of_reach(contract: LabelContract) -> None:
    """Warn if no item can be as sure as the contract wants, however many annotators agree."""
    most = most_certain(contract)
    wanted = contract.consensus.accept_at
    if most is not None and wanted > most:
        err.print(
            f"[bold yellow]note[/] consensus.accept_at: {wanted:g} is out of reach: without gold, no item of "
            f"this project gets surer than {most:.3g}, because some items mislead everybody; only gold and "
            f"adjudicated items would be settled. Choose {most - 0.01:.2f} or less",
            highlight=False,
        )


@app.command()
@plain_errors
def show(project: Annotated[str, typer.Argument(help="The project's name.")]) -> None:
    """Show the contract in force for a project.

    Example: assay contract show ads-safety
    """
    from rich.syntax import Syntax

    found, name = run_async(_in_force()), ProjectId(project)
    if name not in found:
        fail(f"no contract for '{project}' is in force; contracts in force: {', '.join(sorted(found)) or 'none'}")
    out.print(Syntax(found[name].model_dump_json(indent=2, exclude_none=True), "json"))


@app.command("list")
@plain_errors
def list_contracts(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False) -> None:
    """List the contracts in force.

    Example: assay contract list
    """
    rows = [
        {
            "project": contract.project,
            "version": contract.version,
            "label": contract.label.kind,
            "redundancy": contract.redundancy,
            "rules": len(contract.rules),
            "model": None if contract.model is None else contract.model.path,
        }
        for contract in sorted(run_async(_in_force()).values(), key=lambda one: one.project)
    ]
    columns = ("project", "version", "label", "redundancy", "rules", "model")
    print_rows(rows, columns, as_json=as_json, empty="no contract is in force; apply one with `assay contract apply`")


async def _in_force() -> Mapping[ProjectId, LabelContract]:
    from assay_services.engine.contract_table import read_contracts
    from assay_services.engine.settings import RuntimeSettings

    return await read_contracts(RuntimeSettings())


async def _apply(contract: LabelContract) -> None:
    from assay_services.engine.contract_table import publish_contract, read_contracts
    from assay_services.engine.settings import RuntimeSettings
    from assay_services.engine.topic_admin import ensure_topics

    settings = RuntimeSettings()
    await ensure_topics(settings)
    in_force = (await read_contracts(settings)).get(contract.project)
    if in_force is not None and in_force.version > contract.version:
        fail(f"version {in_force.version} of '{contract.project}' is in force; this file is version {contract.version}")
    if in_force is not None and in_force.version == contract.version and in_force != contract:
        fail(
            f"another contract of version {contract.version} is in force for '{contract.project}'; "
            f"set 'version: {contract.version + 1}' in this one, because every verdict names its version"
        )
    await publish_contract(settings, contract)


def _summary(contract: LabelContract) -> str:
    return (
        f"{contract.project} version {contract.version}, {contract.label.kind}, {len(contract.rules)} rules of its own"
    )
