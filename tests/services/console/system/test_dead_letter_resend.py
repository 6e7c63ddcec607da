"""Dead letters on a real Kafka: the same bytes come back, once, and nothing is lost where Kafka is away."""

import asyncio
from collections.abc import Iterator

import orjson
import pytest
from sqlmodel import Session, select

from assay_schemas.topics import ANNOTATIONS
from assay_services.archive.store import Store
from assay_services.console.dependencies import ConsoleDependencies, build_parts
from assay_services.console.settings import ConsoleSettings
from assay_services.console.system.dead_letter_resend import NotSentError
from assay_services.devtools.ports import free_port
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.topic_admin import ensure_topics
from assay_services.stores.archive.engine import open_engine
from assay_services.stores.archive.queries.dead_letters import read_dead
from assay_services.stores.archive.schema_upgrade import upgrade
from assay_services.stores.control.tables.dead_letter_resends import SentAgain
from tests.services.console.system.dead_letters import CONTRACT, HOSTILE, a_letter, bury, put_in_force
from tests.support.builders import annotation_input
from tests.support.kafka_io import take

GOOD = [orjson.dumps(annotation_input(id=f"an-{number}"), option=orjson.OPT_INDENT_2) for number in range(3)]


@pytest.fixture
def console(settings: RuntimeSettings) -> ConsoleSettings:
    return ConsoleSettings(**settings.model_dump(), _env_file=None)


@pytest.fixture
def parts(console: ConsoleSettings) -> Iterator[ConsoleDependencies]:
    engine = open_engine(console.database_url)
    upgrade(engine)
    letters = [a_letter(number, raw, reason="unknown-project") for number, raw in enumerate(GOOD)]
    bury(Store(engine), *letters, a_letter(3, HOSTILE))
    put_in_force(Store(engine), CONTRACT)
    engine.dispose()
    built = build_parts(console)
    yield built
    built.archive.dispose()
    built.control.dispose()


def test_the_same_bytes_come_to_their_items_partition_once(
    console: ConsoleSettings, parts: ConsoleDependencies
) -> None:
    async def twice() -> tuple[int, int]:
        await ensure_topics(console, [ANNOTATIONS])
        places = [one.place for one in read_dead(parts.archive).rows]
        done = await asyncio.gather(*(parts.sender.send(places, by=who) for who in ("lena", "lars")))
        return sum(one.sent for one in done), sum(len(one.refused) for one in done)

    sent, refused = asyncio.run(twice())

    found = asyncio.run(take(console, ANNOTATIONS.name))
    assert (sent, refused) == (3, 5)
    assert sorted(record.value for record in found) == GOOD
    assert {record.key for record in found} == {b"ads-safety:i-204"}
    assert len({record.partition for record in found}) == 1
    assert {record.value: dict(record.headers)["assay-sent-again"] for record in found} == {
        raw: f"0/{number}".encode() for number, raw in enumerate(GOOD)
    }


def test_a_letter_says_by_whom_it_was_sent(console: ConsoleSettings, parts: ConsoleDependencies) -> None:
    async def once() -> None:
        await ensure_topics(console, [ANNOTATIONS])
        await parts.sender.send([read_dead(parts.archive).rows[0].place], by="lena")

    asyncio.run(once())

    letters = read_dead(parts.archive).rows
    noted = parts.sender.notes.of(letters)
    assert [noted[one.address].by for one in letters if one.address in noted] == ["lena"]
    assert noted[letters[0].address].sent_at is not None


def test_where_kafka_is_away_nothing_counts_as_sent(console: ConsoleSettings, parts: ConsoleDependencies) -> None:
    away = build_parts(console.model_copy(update={"kafka": f"127.0.0.1:{free_port()}"}))
    places = [one.place for one in read_dead(parts.archive).rows]

    with pytest.raises(NotSentError, match="Kafka does not accept records"):
        asyncio.run(away.sender.send(places, by="lena"))

    with Session(parts.control) as session:
        assert session.exec(select(SentAgain)).all() == []
    away.archive.dispose()
    away.control.dispose()
