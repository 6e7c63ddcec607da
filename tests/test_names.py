"""Names and places: a reader finds code by its path alone, and these rules keep it so."""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay_schemas.topics import TOPICS

ROOT = Path(__file__).parents[1]
ROOMS = (ROOT / "schemas" / "assay_schemas", ROOT / "models" / "assay_models", ROOT / "services" / "assay_services")
SERVICES = ("alerts", "archive", "conduct", "consensus", "console", "gateway", "validator")
SHARED_NAMES = {"__init__.py", "__main__.py", "app.py", "settings.py"}
TERMS_IN_ING = {"confident_learning.py", "field_mapping.py"}
"""File names that end in "ing" and are nouns of the field."""


def modules() -> Iterator[Path]:
    for room in ROOMS:
        yield from (path for path in sorted(room.rglob("*.py")) if "migrations" not in path.parts)


def package_of(path: Path) -> tuple[str, ...]:
    """Return the room and its package: within one of these no file name may repeat."""
    room = next(room for room in ROOMS if room in path.parents)
    inside = path.relative_to(room).parts
    return (room.name, *inside[: 1 if len(inside) > 1 else 0])


def test_no_two_files_of_one_package_share_a_name() -> None:
    names: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for path in modules():
        if path.name not in SHARED_NAMES:
            names[package_of(path)][path.name] += 1

    repeated = {package: name for package, found in names.items() for name, count in found.items() if count > 1}

    assert names
    assert repeated == {}


def test_no_file_is_named_by_a_gerund() -> None:
    gerunds = [path.name for path in modules() if path.stem.endswith("ing") and path.name not in TERMS_IN_ING]

    assert gerunds == []


def test_no_class_name_means_two_things() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in modules():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].append(path.name)

    repeated = {name: found for name, found in places.items() if len(found) > 1}

    assert repeated == {}


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_agreed_parts(service: str) -> None:
    folder = ROOMS[2] / service

    assert all((folder / name).is_file() for name in SHARED_NAMES)
    assert (folder / "core").is_dir() or service == "console"


def test_topics_are_named_in_their_register_alone() -> None:
    dotted = {topic.name for topic in TOPICS if "." in topic.name}
    literals = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules()
        if path.name != "topics.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in dotted
    ]

    assert dotted
    assert literals == []


def test_every_package_that_is_published_tells_type_checkers_that_it_is_typed() -> None:
    assert all((room / "py.typed").is_file() for room in ROOMS)
