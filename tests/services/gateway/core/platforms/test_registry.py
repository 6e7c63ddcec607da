"""The register of platforms."""

import json
from pathlib import Path

import pytest

from assay_services.gateway.core.platforms.registry import PLATFORMS, platform_named
from tests.services.gateway.payloads import GENERIC_MAPPING, GOOD, asked
from tests.services.gateway.signed_deliveries import SECRET, signed
from tests.support.builders import NOW

FOLDER = Path(__file__).parents[5] / "services" / "assay_services" / "gateway" / "core" / "platforms"


def test_every_platform_has_a_good_example_and_a_line_in_the_readme() -> None:
    page = (FOLDER / "README.md").read_text()

    assert set(GOOD) == set(PLATFORMS)
    assert all(f"`{name}`" in page for name in PLATFORMS)
    assert all(one.name == name and one.description for name, one in PLATFORMS.items())


@pytest.mark.parametrize("name", GOOD)
def test_no_secret_of_a_header_comes_out_of_a_decoder(name: str) -> None:
    for good in GOOD[name]:
        delivery = signed(PLATFORMS[name].scheme, good.raw, now=NOW, authorization=f"Token {SECRET}", **good.headers)

        outcome = PLATFORMS[name].decode(delivery, asked(mapping=GENERIC_MAPPING))

        assert SECRET not in repr(outcome)
        assert not any(value in repr(outcome) for header, value in delivery.headers.items() if "signature" in header)


@pytest.mark.parametrize("written", ["label-studio", "Label Studio", "label_studio", "LABELSTUDIO"])
def test_a_platform_is_found_however_its_name_is_written(written: str) -> None:
    assert platform_named(written) is PLATFORMS["label-studio"]


def test_an_unknown_platform_is_none() -> None:
    assert platform_named("moon") is None


def test_no_decoder_does_more_than_decode() -> None:
    forbidden = (
        "import os",
        "import socket",
        "httpx",
        "open(",
        "datetime.now",
        "time.time",
        "print(",
        "import logging",
    )

    found = [(path.name, word) for path in FOLDER.glob("*.py") for word in forbidden if word in path.read_text()]

    assert json.dumps(found) == "[]"
