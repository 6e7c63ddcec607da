"""The wheel with conduct compiled: made where it is asked for, and the same to the last bit."""

import os
import subprocess
import sys
import sysconfig
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from shutil import which
from zipfile import ZipFile

import orjson
import pytest

ROOT = Path(__file__).parents[1]
SUBJECTS = ("tests/models/conduct", "tests/services/conduct")
_SLOW = "tests/models/conduct/test_validity.py"
_TEST_AND_TELL = """
import sys, pytest
failed = pytest.main(sys.argv[1:])
from assay_models.conduct import stream
print(stream.__file__)
sys.exit(failed)
"""
needs_compiler = pytest.mark.skipif(
    which("gcc") is None or not Path(sysconfig.get_path("include"), "Python.h").exists(),
    reason="there is no gcc here, or not what Python is extended with",
)


def a_wheel(folder: Path, *, compiled: bool) -> Path:
    """Return a wheel of `assay-models` from this tree."""
    asked_for = {"HATCH_BUILD_HOOK_ENABLE_CUSTOM": str(compiled).lower()}
    command = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir"]
    subprocess.run(
        [sys.executable, "-m", *command, folder, ROOT / "models"], check=True, env={**os.environ, **asked_for}
    )
    (found,) = folder.glob("*.whl")
    return found


def run(*command: str, path: tuple[Path, ...]) -> list[str]:
    """Run Python on modules that are looked for in these folders, in this order; return what it prints."""
    paths = os.pathsep.join(map(str, path))
    done = subprocess.run(
        [sys.executable, "-P", *command], cwd=ROOT, env={**os.environ, "PYTHONPATH": paths},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the compiled wheel installs."""
    folder = tmp_path_factory.mktemp("compiled")
    with ZipFile(a_wheel(folder, compiled=True)) as wheel:
        wheel.extractall(folder / "installed")
    return folder / "installed"


def test_a_wheel_that_is_not_asked_to_be_compiled_is_for_every_machine(tmp_path: Path) -> None:
    wheel = a_wheel(tmp_path, compiled=False)

    assert wheel.name.endswith("-py3-none-any.whl")


@needs_compiler
def test_compiled_conduct_says_and_keeps_the_same_to_the_last_bit(compiled: Path) -> None:
    program = ("-m", "tests.services.conduct.watched")

    plain, fast = run(*program, path=(ROOT,)), run(*program, path=(compiled, ROOT))

    assert all(file.endswith(".py") for file in orjson.loads(plain[0]).values())
    assert all(file.startswith(str(compiled)) for file in orjson.loads(fast[0]).values())
    assert all(file.endswith(tuple(EXTENSION_SUFFIXES)) for file in orjson.loads(fast[0]).values())
    assert len(plain) > 20
    assert fast[1:] == plain[1:]


@needs_compiler
def test_compiled_conduct_passes_the_tests_of_conduct(compiled: Path) -> None:
    options = ("--no-cov", "-p", "no:cacheprovider", f"--ignore={_SLOW}")

    said = run("-c", _TEST_AND_TELL, *options, *SUBJECTS, path=(compiled, ROOT))

    assert said[-1].startswith(str(compiled))


@needs_compiler
def test_compiling_leaves_nothing_in_the_tree(compiled: Path) -> None:
    assert compiled.is_dir()

    assert not [*ROOT.glob("*.so"), *ROOT.glob("models/**/*.so"), *ROOT.glob("models/**/*.c")]
    assert not (ROOT / "build").exists()
