"""A real Label Studio, started once for all tests of platforms."""

from collections.abc import Iterator

import pytest

from tests.platforms.server import LabelStudioServer


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudioServer]:
    with LabelStudioServer(tmp_path_factory.mktemp("label-studio")) as server:
        yield server
