"""What all tests share: a real Kafka and PostgreSQL, once per worker of the run, and settings with their own topics."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import hypothesis  # here, because its plugin would import it at the very end, which fails after tests with Kafka
import pytest

from assay_services.devtools.local_broker import LocalBroker
from assay_services.engine.settings import RuntimeSettings
from tests.support.postgres import LocalPostgres, postgres_programs

hypothesis.settings.register_profile(  # how fast the machine is, is nobody's fault
    "assay", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("assay")

_prefixes = itertools.count(1)
REAL_DATA = Path(__file__).parents[2] / "shared" / "data"
PROGRAMS = {"kafka", "postgres"}
"""Fixtures that start a program, which are markers, too."""

LONGEST = (
    "tests/services/validator/test_chaos.py",
    "tests/services/alerts/test_kafka.py",
    "tests/test_wheels.py",
    "tests/compatibility/test_taken_up.py",
    "tests/services/erasure/test_erasure.py",
    "tests/services/gateway/test_outage.py",
    "tests/services/archive/test_chaos.py",
    "tests/test_compiled.py",
    "tests/services/cli/test_commands.py",
    "tests/services/engine/test_outages.py",
    "tests/services/test_workers.py",
)


SLOW = {
    *LONGEST,
    "tests/models/conduct/test_validity.py",
    "tests/models/consistency/test_real_data.py",
    "tests/models/consistency/test_trainer.py",
    "tests/models/rules/test_ruleset.py",
    "tests/models/truth/categorical/test_interleavings.py",
    "tests/models/truth/test_real_data.py",
    "tests/models/truth/test_survival.py",
    "tests/models/truth/test_factory.py",
    "tests/models/truth/test_guarantees.py",
    "tests/services/archive/test_commands.py",
    "tests/services/cli/test_startup.py",
    "tests/services/conduct/core/test_erase.py",
    "tests/services/console/auth/test_openid.py",
    "tests/services/console/auth/test_sign_in.py",
    "tests/services/gateway/core/platforms/test_bad_input.py",
    "tests/services/consensus/core/test_agreement_readings.py",
    "tests/services/consensus/core/test_closed_items.py",
    "tests/services/console/reviews/test_reviews.py",
    "tests/services/console/test_permissions.py",
    "tests/services/gateway/reconcile/test_sources.py",
    "tests/services/replay/test_alerts.py",
}
"""Files that take more than a few seconds: `make test-fast` leaves them out."""


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the programs their fixtures start, and begin with the files that take longest.

    With the longest first no worker is left alone with one of them at the end.
    """
    for item in items:
        for program in PROGRAMS & set(getattr(item, "fixturenames", ())):
            item.add_marker(program)
        if item.nodeid.partition("::")[0] in SLOW:
            item.add_marker("slow")
        callspec = getattr(item, "callspec", None)
        if callspec is not None and "postgresql" in callspec.params.values():
            item.add_marker("postgres")
    place = {file: number for number, file in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(place)))


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBroker]:
    with LocalBroker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="session")
def postgres() -> Iterator[LocalPostgres]:
    if postgres_programs() is None:
        pytest.skip("PostgreSQL is not installed here: `apt-get install postgresql` runs these tests, too")
    with LocalPostgres() as server:
        yield server


@pytest.fixture
def settings(kafka: LocalBroker, tmp_path: Path) -> RuntimeSettings:
    return RuntimeSettings(
        kafka=kafka.address,
        prefix=f"t{next(_prefixes)}.",
        partitions=2,
        folder=tmp_path,
        models=tmp_path / "models",
        session_timeout_seconds=6,
        _env_file=None,
    )


@pytest.fixture
def real_data() -> Path:
    if not REAL_DATA.is_dir():
        pytest.skip(f"the real data are not here: {REAL_DATA.name} is kept beside the repository, not in it")
    return REAL_DATA
