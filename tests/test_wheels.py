"""Each of the three distributions is built, installed alone in an empty environment, and works there."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"schemas": ROOT / "schemas", "models": ROOT / "models", "services": ROOT}
SCHEMAS = """
from assay_schemas import Annotation, LabelContract, ValidatedAnnotation
from assay_schemas import __all__ as names
import assay_schemas, sys
assert all(getattr(assay_schemas, name) for name in names)
assert not {"numpy", "sqlalchemy", "aiokafka"} & set(sys.modules)
contract = LabelContract.model_validate({"project": "p", "version": 1, "label": {"kind": "pairwise"}})
print(contract.redundancy)
"""
MODELS = """
import importlib, sys
from assay_models.agreement import krippendorff_alpha
from assay_models.truth import infer_truth
for package in ("agreement", "conduct", "consistency", "rules", "truth"):
    module = importlib.import_module(f"assay_models.{package}")
    for name in module.__all__:
        if name != "fit_model":  # it needs the extra `train`
            getattr(module, name)
truth = infer_truth([("i", "ada", "yes"), ("i", "bo", "yes"), ("j", "ada", "no"), ("j", "bo", "no")])
assert not {"fastapi", "sqlalchemy", "aiokafka"} & set(sys.modules)
print(truth.items["i"].label, krippendorff_alpha([["a", "a"], ["b", "b"]]).value)
"""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the three wheels."""
    folder = tmp_path_factory.mktemp("wheels")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    for source in FOLDERS.values():
        subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True)
    return folder


def install(distribution: str, wheels: Path, folder: Path) -> Path:
    """Install a distribution of ours into a new environment; return that environment's folder of programs."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], check=True)
    python = folder / "env" / "bin" / "python"
    pins = folder / "pins.txt"
    pins.write_text(
        "\n".join(re.findall(r"^\S+==[^\\\n]+", (ROOT / "requirements" / "base.txt").read_text(), re.MULTILINE))
    )
    options = ["--quiet", "--disable-pip-version-check", "--find-links", str(wheels), "--constraint", str(pins)]
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", *options, distribution],
        check=True,
        timeout=600,
    )
    return python.parent


def run(command: Sequence[str | Path], folder: Path) -> str:
    """Run a program where nothing of the repository can be imported; return what it prints."""
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_a_reader_of_topics_installs_the_schemas_alone(wheels: Path, tmp_path: Path) -> None:
    programs = install("assay-schemas", wheels, tmp_path)

    assert run([programs / "python", "-c", SCHEMAS], tmp_path) == "3"
    assert not list(programs.parent.glob("lib/*/site-packages/numpy"))


def test_a_notebook_needs_the_models_and_no_kafka(wheels: Path, tmp_path: Path) -> None:
    programs = install("assay-models", wheels, tmp_path)

    assert run([programs / "python", "-c", MODELS], tmp_path) == "yes 1.0"
    assert not list(programs.parent.glob("lib/*/site-packages/aiokafka"))


def test_the_services_bring_the_command(wheels: Path, tmp_path: Path) -> None:
    programs = install("assay", wheels, tmp_path)

    assert run([programs / "assay", "--version"], tmp_path) == "assay 0.1.0"
    assert "✓" in run([programs / "assay", "contract", "check", ROOT / "contracts" / "ads-safety.yaml"], tmp_path)
    top = {path.name for path in programs.parent.glob("lib/*/site-packages/*") if path.is_dir()}
    assert {"assay_schemas", "assay_models", "assay_services"} <= top
    assert not top & {"models", "schemas", "services"}


@pytest.mark.parametrize("readme", ["models/README.md", "schemas/README.md"])
def test_the_example_in_a_readme_runs(readme: str, tmp_path: Path) -> None:
    examples = re.findall(r"```python\n(.*?)```", (ROOT / readme).read_text(), re.DOTALL)

    assert examples
    assert run([sys.executable, "-c", "\n".join(examples)], tmp_path)
