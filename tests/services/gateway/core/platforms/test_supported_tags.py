"""The register of tags: the README has it, and its platforms are those that are decoded."""

from pathlib import Path

import pytest

from assay_services.gateway.core import platforms
from assay_services.gateway.core.platforms.registry import PLATFORMS
from assay_services.gateway.core.platforms.supported_tags import TAGS, as_table, tag_of
from tests.services.gateway.core.platforms.test_unread_parts import CASES

README = Path(platforms.__file__).parent / "README.md"


def test_the_readme_has_the_register() -> None:
    assert as_table() in README.read_text()


def test_every_platform_with_tags_is_in_the_register() -> None:
    assert {row.platform for row in TAGS} == PLATFORMS.keys() - {"generic"}
    assert len({(row.platform, row.tag) for row in TAGS}) == len(TAGS)


@pytest.mark.parametrize("what", sorted({one.removeprefix("unread: ") for case in CASES for one in case[3]
                                         if one.startswith("unread: ")}))  # fmt: skip
def test_what_is_left_out_is_counted_under_its_own_name(what: str) -> None:
    assert tag_of(what) == what


def test_what_nobody_knows_is_counted_as_other() -> None:
    assert tag_of("hostile\nname" * 100) == "other"
