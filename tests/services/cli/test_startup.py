"""A command imports what it needs and no more. Modules are counted: a clock would depend on the machine."""

import subprocess
import sys

import pytest

from assay_services.cli.__main__ import COMMANDS, load_command
from tests.services.cli.test_commands import CONTRACT

HEAVY = {
    "aiokafka", "apprise", "faust", "fastapi", "httpx", "nicegui", "numpy", "onnxruntime", "pandas", "psycopg",
    "pyarrow", "scipy", "sklearn", "sqlalchemy", "sqlmodel",
}  # fmt: skip
PROGRAM = """
import sys
from assay_services.cli.__main__ import main
sys.argv[0] = "assay"
try:
    main()
finally:
    print("\\n" + " ".join(sys.modules))
"""


def modules_of(*arguments: str) -> set[str]:
    """Return the modules that are imported by the end of a command."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("arguments", "most"), [(("--help",), 400), (("--version",), 400), (("contract", "check", CONTRACT), 600)]
)
def test_a_light_command_imports_few_modules_and_none_that_is_heavy(arguments: tuple[str, ...], most: int) -> None:
    found = modules_of(*arguments)

    assert {name.partition(".")[0] for name in found} & HEAVY == set()
    assert len(found) <= most


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_command_says_of_itself(name: str) -> None:
    command = load_command(name)

    assert (command.help or "").splitlines()[0] == COMMANDS[name].summary
