"""`.ci/run` gives what failed one more run: flaky tests are named, and what fails twice fails."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / ".ci" / "run_tests.py"
SUITE = """
from pathlib import Path

def test_sound() -> None:
    pass

def test_only_the_second_time() -> None:
    mark = Path("ran")
    ran = mark.exists()
    mark.touch()
    assert ran

def test_never() -> None:
    assert {never}
"""


def ci(folder: Path, *, never: bool) -> tuple[int, list[str]]:
    (folder / "test_suite.py").write_text(SUITE.format(never=not never))
    command = [sys.executable, str(SCRIPT), "-q", "test_suite.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def test_what_passes_the_second_time_is_named_and_does_not_fail(tmp_path: Path) -> None:
    code, lines = ci(tmp_path, never=False)

    assert code == 0
    assert "FLAKY test_suite.py::test_only_the_second_time" in lines
    assert lines[-1].startswith("1 passed")


def test_what_fails_twice_fails(tmp_path: Path) -> None:
    code, lines = ci(tmp_path, never=True)

    assert code == 1
    assert "FLAKY test_suite.py::test_only_the_second_time" in lines
    assert not any(line.startswith("FLAKY") and line.endswith("test_never") for line in lines)
    assert lines[-1].startswith("1 failed, 1 passed")
