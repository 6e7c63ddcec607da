"""Run tests; what fails gets one more run, alone. What passes then is printed as FLAKY; what fails again fails.

Usage: python .ci/run_tests.py PYTEST-ARGUMENTS
"""

import json
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")
TESTS_FAILED = 1


def run(arguments: Sequence[str]) -> tuple[int, str]:
    """Run pytest and show its output; return its exit code and its closing line."""
    command = [sys.executable, "-m", "pytest", *arguments]
    closing = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            closing = line.strip("= \n") or closing
    return process.returncode, closing


def failed() -> list[str]:
    """Return the tests that failed in the last run."""
    return sorted(json.loads(LAST_FAILED.read_text())) if LAST_FAILED.is_file() else []


def _alone(arguments: Sequence[str]) -> list[str]:
    """Return the options for a second run of a few tests: no paths, no workers, coverage added to the first run's."""
    parser = ArgumentParser(allow_abbrev=False)
    parser.add_argument("-n")
    parser.add_argument("-m")
    parser.add_argument("--dist")
    parser.add_argument("--no-loadscope-reorder", action="store_true")
    known, rest = parser.parse_known_args(list(arguments))
    options = [one for one in rest if one.startswith("-")] + ([] if known.m is None else ["-m", known.m])
    return [*options, "--cov-append"] if "--cov" in options else options


def main(arguments: Sequence[str]) -> int:
    """Run the tests; return 0 if every one of them passed, in the first run or in the second."""
    LAST_FAILED.unlink(missing_ok=True)
    code, closing = run(arguments)
    first = failed()
    if code != TESTS_FAILED or not first:
        return code
    sys.stdout.write(f"\n{len(first)} failed; they run once more, alone:\n")
    code, again = run([*_alone(arguments), *first])
    flaky = [one for one in first if one not in set(failed())] if code in {0, TESTS_FAILED} else []
    for one in flaky:
        sys.stdout.write(f"FLAKY {one}\n")
    sys.stdout.write(f"first run: {closing}\nsecond run:\n{again}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
