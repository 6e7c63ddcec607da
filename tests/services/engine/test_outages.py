"""A broken world gets a clear answer."""

import asyncio
import logging
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from aiokafka.errors import KafkaError

from assay_services.devtools.local_broker import BrokerFailedError, LocalBroker
from assay_services.engine.kafka import NoKafkaError, client_options, kafka_address, make_producer
from assay_services.engine.logs import RateLimitedLog
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import TopicMismatchError, ensure_topics


def some_settings(**changes: object) -> RuntimeSettings:
    return RuntimeSettings(_env_file=None, **changes)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(BrokerFailedError, match=f"port {port} is taken"):
            LocalBroker(tmp_path, port=port).start()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(BrokerFailedError, match="cannot write to"):
        LocalBroker(tmp_path / "file" / "data").start()


@contextmanager
def a_small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    """Mount a disk in memory; skip the test where that is not allowed."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder],  # noqa: S607
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S607


def test_too_small_a_disk_is_refused_before_kafka_starts(tmp_path: Path) -> None:
    with a_small_disk(tmp_path, megabytes=3), pytest.raises(BrokerFailedError, match="only 3 MB are free"):
        LocalBroker(tmp_path).start()


def test_a_disk_that_fills_up_ends_kafka_with_a_clear_reason(tmp_path: Path) -> None:
    with a_small_disk(tmp_path, megabytes=320), LocalBroker(tmp_path / "kafka") as broker:
        settings = RuntimeSettings(kafka=broker.address, folder=tmp_path, partitions=1)
        with (tmp_path / "fill").open("wb") as file, suppress(OSError):
            while True:
                file.write(b"x" * 65_536)

        with suppress(KafkaError, OSError, TopicMismatchError):
            asyncio.run(ensure_topics(settings))

        assert broker.wait() != 0
        assert "is full; free some space" in broker.why_it_ended()


def test_without_any_kafka_the_answer_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoKafkaError, match="assay broker"):
        kafka_address(some_settings(folder=tmp_path))


def test_the_local_broker_is_found_by_its_folder(kafka: LocalBroker, tmp_path: Path) -> None:
    (tmp_path / "broker.json").write_text(f'{{"address": "{kafka.address}"}}')

    assert kafka_address(some_settings(folder=tmp_path)) == kafka.address


def test_topics_are_created_once_and_stay(settings: RuntimeSettings) -> None:
    asyncio.run(ensure_topics(settings))
    asyncio.run(ensure_topics(settings))


def test_a_topic_with_another_partition_count_is_refused(settings: RuntimeSettings) -> None:
    asyncio.run(ensure_topics(settings))

    with pytest.raises(TopicMismatchError, match="has 2 partitions, the settings say 3"):
        asyncio.run(ensure_topics(settings.model_copy(update={"partitions": 3})))


def test_credentials_reach_every_client_and_no_log() -> None:
    settings = some_settings(
        kafka="k:9092", kafka_security="SASL_SSL", kafka_username="u", kafka_password="very-secret"
    )

    options = client_options(settings)

    assert options["sasl_plain_password"] == "very-secret"
    assert options["ssl_context"] is not None
    assert "very-secret" not in repr(settings)


def test_wrong_credentials_fail_and_do_not_hang(kafka: LocalBroker, tmp_path: Path) -> None:
    settings = some_settings(
        kafka=kafka.address, folder=tmp_path, kafka_security="SASL_PLAINTEXT", kafka_username="u", kafka_password="x"
    )

    async def connect() -> None:
        producer = make_producer(settings)
        try:
            await producer.start()
        finally:
            await producer.stop()

    with pytest.raises(KafkaError):
        asyncio.run(connect())


def test_a_library_says_the_same_thing_only_once_in_a_while() -> None:
    now = 100.0
    calm = RateLimitedLog(lambda: now)

    def said(name: str) -> bool:
        return calm.filter(logging.LogRecord(name, logging.ERROR, "", 0, "away", (), None))

    first, second = said("aiokafka"), said("aiokafka")
    now = 131.0

    assert (first, second, said("aiokafka")) == (True, False, True)
    assert said("assay.lane")
    assert said("assay.lane")
