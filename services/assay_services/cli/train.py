"""`assay train`: fit the consistency model."""

from pathlib import Path
from typing import Annotated

import typer

from assay_services.cli.file_arguments import InputPaths
from assay_services.ingest.contract_files.contract_file import load_contract
from assay_services.ingest.file_readers import read_all
from assay_services.terminal import fail, out, plain_errors


@plain_errors
def train(
    inputs: InputPaths,
    contract: Annotated[Path, typer.Option("--contract", "-c", help="The contract in YAML, which defines the labels.")],
    to: Annotated[Path, typer.Option("--out", "-o", help="The ONNX file to write, or a folder for it.")],
    seed: Annotated[int, typer.Option(help="The seed of the cross-validation folds.")] = 0,
) -> None:
    """Fit the consistency model on validated history.

    Writes one ONNX file and its model card.

    Example: assay train --contract contracts/ads-safety.yaml --out models/ history.csv
    """
    try:
        from assay_services.ingest.training_run import train_model  # needs the extra `train`
    except ImportError as error:
        fail(f"training needs the extra `assay[train]` ({error.name} is missing); install it and try again")
    agreed = load_contract(contract)
    if to.suffix != ".onnx":
        to = to / (f"{agreed.project}.onnx" if agreed.model is None else agreed.model.path)
    with out.status("fitting, out of fold …"):
        card = train_model(read_all(inputs, agreed), agreed, to, seed=seed)
    for line in card:
        out.print(line)
    out.print(f"[green]✓[/] {to} and its card {to}.card.json")
