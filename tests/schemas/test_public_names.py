"""The public names of the packages: each is there, and no other."""

import importlib

import pytest

PACKAGES = (
    "assay_schemas",
    "assay_models",
    "assay_models.agreement",
    "assay_models.conduct",
    "assay_models.consistency",
    "assay_models.rules",
    "assay_models.truth",
)


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_can_be_imported(name: str) -> None:
    package = importlib.import_module(name)

    assert package.__all__
    assert all(getattr(package, public) is not None for public in package.__all__)


def test_another_name_is_an_attribute_error() -> None:
    package = importlib.import_module("assay_schemas")

    with pytest.raises(AttributeError, match="module 'assay_schemas' has no attribute 'Nonsense'"):
        package.Nonsense  # noqa: B018  # reading it is the test
