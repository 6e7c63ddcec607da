"""The house agrees with itself: containers, registers, promises and pages say what the tree says."""

import json
import re
import subprocess
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from assay_schemas.topics import TOPICS
from assay_services.engine import metrics
from tests.guarantees import PROMISES

ROOT = Path(__file__).parents[1]
NOT_CONTAINERS = {"cli"}
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: one for name, one in COMPOSE["services"].items() if "build" in one}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
FOREIGN = (
    "pypi" + ".org",
    "files.python" + "hosted",
    "registry." + "npmjs",
    "repo1." + "maven",
    "repo.maven." + "apache",
    "/" + "work/",
    "/" + "home/",
    "/" + "root/",
)
"""Package registries and places on one machine: a committed file that names one works there only."""


def instructions(name: str) -> list[str]:
    """Return what follows each instruction of this name in the Dockerfile, each in one line."""
    return re.findall(rf"^{name}\s+(.*)$", DOCKERFILE.replace("\\\n", ""), flags=re.MULTILINE)


def committed_texts() -> dict[str, str]:
    """Return all committed files that are text, by path."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607  # wherever git is
        check=True,
        capture_output=True,
        cwd=ROOT,
    ).stdout.decode()
    found = {}
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        raw = path.read_bytes() if path.is_file() else b""
        if b"\0" not in raw:
            found[name] = raw.decode()
    return found


def test_the_compose_file_follows_its_specification() -> None:
    vendored = "check_jsonschema/builtin_schemas/vendor/compose-spec.json"
    specification = Path(str(distribution("check-jsonschema").locate_file(vendored))).read_text()

    problems = list(Draft202012Validator(json.loads(specification)).iter_errors(COMPOSE))

    assert [problem.message for problem in problems] == []


def test_every_service_has_its_container_and_every_container_its_service() -> None:
    services = {
        path.parent.name for path in (ROOT / "services" / "assay_services").glob("*/__main__.py")
    } - NOT_CONTAINERS

    assert set(OURS) == services
    assert {name: one["command"] for name, one in OURS.items()} == {name: ["worker", name] for name in services}


def test_no_port_is_open_beyond_this_machine() -> None:
    ports = [port for one in COMPOSE["services"].values() for port in one.get("ports", [])]

    assert ports
    assert all(isinstance(port, str) and port.startswith("127.0.0.1:") for port in ports)
    assert not any("network_mode" in one for one in COMPOSE["services"].values())


def test_every_container_of_ours_can_write_nothing_but_its_tmp_and_what_has_to_survive() -> None:
    for name, one in OURS.items():
        assert one["read_only"] is True
        assert one["tmpfs"] == ["/tmp"]  # noqa: S108  # a mount, not a file
        if name in {"gateway", "alerts", "console"}:
            assert one["volumes"] == ["gateway-data:/data"]
            assert one["environment"]["ASSAY_FOLDER"] == "/data"
        else:
            assert all(volume["read_only"] is True for volume in one.get("volumes", []))
            assert one["environment"]["ASSAY_FOLDER"].startswith("/tmp/")  # noqa: S108  # the same


def test_no_container_has_or_gains_a_privilege() -> None:
    for one in COMPOSE["services"].values():
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
        assert "cap_add" not in one
        assert "privileged" not in one


def test_our_image_runs_as_a_numbered_user_that_is_not_root() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]

    users = re.findall(r"^USER\s+(\d+):(\d+)$", final, flags=re.MULTILINE)

    assert len(users) == 1
    assert "0" not in users[0]
    assert not any("user" in one for one in OURS.values())


def test_every_container_says_when_it_is_well_and_ours_wait_for_what_they_need() -> None:
    assert all("healthcheck" in one for one in COMPOSE["services"].values())
    for name, one in OURS.items():
        port = one["ports"][0].rpartition(":")[2]
        assert port == {"gateway": "8484", "console": "8485"}.get(name, "6066")
        assert one["depends_on"]["kafka"] == {"condition": "service_healthy"}
        assert f"http://127.0.0.1:{port}/ready" in one["healthcheck"]["test"][-1]


def test_a_password_has_no_default() -> None:
    settings = [pair for one in COMPOSE["services"].values() for pair in one.get("environment", {}).items()]

    secrets = {name: value for name, value in settings if re.search("PASSWORD|SECRET|TOKEN|KEY", name)}

    assert secrets
    assert all(value.startswith(f"${{{name}:?") for name, value in secrets.items())


def test_what_the_dockerfile_copies_is_in_the_tree_and_not_ignored() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    copies = [line.split()[:-1] for line in instructions("COPY") if not line.startswith("--from=")]

    sources = {source for copy in copies for source in copy}
    assert sources == allowed
    assert all((ROOT / source).exists() for source in sources)


def test_the_image_installs_only_what_has_a_known_hash() -> None:
    installs = [line for line in instructions("RUN") if re.search(r"\bpip .*install ", line)]

    assert installs
    assert all("--require-hashes" in one or ("--no-deps" in one and "--no-build-isolation" in one) for one in installs)
    assert all("--no-cache-dir" in one for one in installs)


def test_conduct_is_compiled_in_the_image_and_the_compiler_stays_behind() -> None:
    first, _, final = DOCKERFILE.rpartition("\nFROM ")

    assert "HATCH_BUILD_HOOK_ENABLE_CUSTOM=true" in first
    assert "gcc" in first
    assert not re.search("apt-get|gcc|compiler", final)


def test_what_compiles_is_named_once_and_is_what_the_tests_run_with() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    compiled = tomllib.loads((ROOT / "models" / "pyproject.toml").read_text())
    pins, all_pins = ((ROOT / "requirements" / name).read_text() for name in ("compile.txt", "dev.txt"))

    hook = compiled["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]

    assert hook["dependencies"] == project["dependency-groups"]["compile"]
    assert {"mypy", "setuptools"} <= set(re.findall(r"^([a-z-]+)==", pins, flags=re.MULTILINE))
    assert set(re.findall(r"^\S+==\S+", pins, flags=re.MULTILINE)) <= set(all_pins.split())


def test_every_topic_is_explained() -> None:
    page = (ROOT / "schemas" / "README.md").read_text()

    explained = re.findall(r"^\| `([a-z.]+)` \|", page.partition("## Topics")[2], flags=re.MULTILINE)

    assert sorted(explained) == sorted(topic.name for topic in TOPICS)


def test_every_metric_is_ours_and_stands_once_in_the_register() -> None:
    source = (ROOT / "services" / "assay_services" / "engine" / "metrics.py").read_text()

    named = re.findall(r"(?:Counter|Gauge|Histogram|Summary)\(\s*\"(\w+)\"", source)

    registered = [family.name for family in metrics.REGISTRY.collect()]
    assert sorted(named) == sorted(registered)
    assert len(set(named)) == len(named)
    assert all(name.startswith("assay_") for name in named)


def test_no_committed_text_names_a_package_registry_or_a_place_on_one_machine() -> None:
    texts = committed_texts()

    found = [(name, foreign) for name, text in texts.items() for foreign in FOREIGN if foreign in text]

    assert texts
    assert found == []


@pytest.mark.parametrize(("promise", "test_file"), PROMISES.items())
def test_every_promise_of_the_lane_has_a_test_file(promise: str, test_file: str) -> None:
    assert promise
    assert (ROOT / test_file).is_file()
