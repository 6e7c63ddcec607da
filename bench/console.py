"""The console's queries on an archive of 1,000,000 annotations, 500 annotators, 200,000 items.

`python -m bench.console [--annotations N] [--sqlite FILE] [--markdown FILE]`: the archive's store makes the archive.
"""

import argparse
import itertools
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from assay_services.archive.core.erasure_filter import Forgotten
from assay_services.archive.core.plan import TransactionPlan
from assay_services.archive.core.row_types import json_text, utc
from assay_services.archive.store import Ready, Store
from assay_services.stores.archive.engine import open_engine, open_for_reading
from assay_services.stores.archive.queries import agreement, annotators, items, overview, projects
from assay_services.stores.archive.schema_upgrade import upgrade
from bench.console_pages import measure as measure_pages
from bench.report import Sheet, as_document, as_table, at_most, conditions
from tests.support.postgres import LocalPostgres, postgres_programs

PROJECT = "ads-safety"
LABELS = ("safe", "adult", "violence", "scam")
_ANNOTATORS, _VOTES_AN_ITEM = 500, 5
_RULES = ("too-fast", "model-disagrees", "gold-missed")
_BATCH = 20_000
_TRIES = 30
_TARGET_MS = 300
_FED_ITEMS = 40
_BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
_TABLES = ("annotations", "objections", "consensus_history", "items", "votes", "consensus")
Rows = dict[str, list[dict[str, Any]]]


def main(arguments: Sequence[str]) -> int:
    """Create the archives, run the queries, and print how long they took."""
    parser = argparse.ArgumentParser(prog="python -m bench.console", description=__doc__)
    parser.add_argument("--annotations", type=int, default=1_000_000)
    parser.add_argument("--sqlite", type=Path, help="keep the SQLite archive there, and use it where it is")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables to this file")
    asked = parser.parse_args(arguments)
    console, sheets = Console(width=130), list[Sheet]()
    with TemporaryDirectory(prefix="assay-bench-console-") as folder:
        path = asked.sqlite or Path(folder) / "archive.db"
        url = f"sqlite:///{path}"
        sheets.append(_measure(url, "SQLite", asked.annotations, is_made=path.exists()))
        console.print(as_table(sheets[-1]))
        sheets.append(measure_pages(url, "SQLite", _feed(url, asked.annotations)))
        console.print(as_table(sheets[-1]))
    if postgres_programs() is not None:
        with LocalPostgres() as server:
            sheets.append(_measure(server.create("console"), "PostgreSQL", asked.annotations, is_made=False))
            console.print(as_table(sheets[-1]))
    console.print(conditions())
    if asked.markdown is not None:
        command = ("python -m bench.console", *arguments)
        document = as_document(sheets, title="Performance of the console", command=command, now=datetime.now(UTC))
        asked.markdown.write_text(document, encoding="utf-8")
    return 0


def _feed(url: str, count: int) -> Callable[[], None]:
    """Return what adds forty items with five annotations each to the archive, as of now."""
    store = Store(open_engine(url))
    source, nothing, rng = store.source("a-bench", ""), Forgotten(), random.Random(8)  # noqa: S311  # a simulation
    numbers = itertools.count(count // _VOTES_AN_ITEM)

    def feed() -> None:
        rows: Rows = {name: [] for name in _TABLES}
        for number in itertools.islice(numbers, _FED_ITEMS):
            _item(rows, rng, source, number, datetime.now(UTC))
        plan = _plan_of(rows)
        store.write(source, Ready(plan, nothing, lambda _: plan))

    return feed


def _measure(url: str, name: str, count: int, *, is_made: bool) -> Sheet:
    began = time.monotonic()
    if not is_made:
        make_archive(url, count)
    made = time.monotonic() - began
    engine = open_for_reading(url, timeout_seconds=60)
    rows = []
    for what, question in _questions(engine).items():
        times = sorted(_timed(question) for _ in range(_TRIES))
        p95 = times[int(_TRIES * 0.95)]
        target = (f"at most {_TARGET_MS}", at_most(p95, _TARGET_MS))
        rows.append((what, f"{times[_TRIES // 2]:.0f}", f"{p95:.0f}", *target))
    engine.dispose()
    note = (
        f"{count:,} annotations, {_ANNOTATORS} annotators, {count // _VOTES_AN_ITEM:,} items; created in {made:.0f} s"
    )
    columns = ("query", "median ms", "p95 ms", "target of p95", "result")
    return Sheet(f"Queries of the console, {name}", columns, rows, (note,))


def _timed(question: Callable[[], object]) -> float:
    began = time.perf_counter()
    question()
    return (time.perf_counter() - began) * 1_000


def _questions(engine: Any) -> dict[str, Callable[[], object]]:  # noqa: ANN401
    now = _BEGAN + timedelta(days=30)
    search = items.ItemFilter
    found: dict[str, Callable[[], object]] = {
        "overview": lambda: overview.read_overview(engine, now=now),
        "agreement over time": lambda: agreement.read_history(engine, PROJECT, window="15m", kind="label"),
        "pairwise agreement": lambda: agreement.read_pairs(engine, PROJECT),
        "confusion matrix": lambda: projects.read_confusion(engine, PROJECT),
        "findings by rule": lambda: projects.read_findings(engine, PROJECT),
        "contract": lambda: projects.read_contracts(engine, PROJECT),
        "annotators": lambda: annotators.read_annotators(engine, PROJECT),
        "one annotator": lambda: annotators.read_annotator(engine, PROJECT, "a0007"),
        "an annotator's labels": lambda: annotators.read_votes(engine, PROJECT, "a0007"),
        "signals": lambda: annotators.read_signals(engine, PROJECT),
        "one item": lambda: items.read_item(engine, PROJECT, "i-0000500"),
    }
    searches = {
        "all": search(),
        "by id": search(item="i-00004"),
        "by text": search(text="word77 word"),
        "text without a match": search(text="nowhere at all"),
        "by status": search(status="disputed"),
        "by label": search(label="scam"),
        "a cell of the confusion matrix": search(right="scam", given="violence"),
        "an annotator pair": search(annotator="a0007", pair="a0008"),
        "a rule": search(rule="gold-missed"),
    }
    for name, one in searches.items():
        found[f"items: {name}"] = lambda one=one: items.read_items(engine, PROJECT, one)  # type: ignore[misc]
    return found


def make_archive(url: str, count: int) -> None:
    """Fill an empty database as the archive itself would, in batches."""
    engine = open_engine(url)
    upgrade(engine)
    store = Store(engine)
    source, nothing = store.source("a-bench", ""), Forgotten()
    for rows in _batches(source, count):
        plan = _plan_of(rows)
        store.write(source, Ready(plan, nothing, lambda _, plan=plan: plan))  # type: ignore[misc]
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()


def _plan_of(rows: Rows) -> TransactionPlan:
    kept: dict[str, Any] = {}
    for table in ("items", "votes", "consensus", "reliability", "conduct", "readings_now"):
        made = rows.pop(table, [])
        if made:
            kept[table] = {(str(index),): row for index, row in enumerate(made)}
    return TransactionPlan(rows, kept, [])


def _batches(source: int, count: int) -> Iterator[Rows]:
    rng = random.Random(7)  # noqa: S311  # a simulation, not a secret
    many = count // _VOTES_AN_ITEM
    for first in range(0, many, _BATCH // _VOTES_AN_ITEM):
        rows: Rows = {name: [] for name in _TABLES}
        for number in range(first, min(many, first + _BATCH // _VOTES_AN_ITEM)):
            _item(rows, rng, source, number, _BEGAN + timedelta(days=30) * (number / many))
        yield rows
    yield _readings(rng, source)


def _item(rows: Rows, rng: random.Random, source: int, number: int, at: datetime) -> None:
    item, truth = f"i-{number:07}", rng.choices(LABELS, (0.55, 0.15, 0.1, 0.2))[0]
    text = " ".join(f"word{rng.randrange(400)}" for _ in range(14))
    record = {"source": source, "kafka_partition": number % 4}
    about = {"project": PROJECT, "item": item}
    rows["items"].append(
        about
        | {"text": text, "features": None, "media": None, "gold": None, "gold_kind": None, "attributes": "{}"}
        | {"described": True, "seen_at": utc(at), "seen_in": f"e-{number}"}
    )
    for place, who in enumerate(rng.sample(range(_ANNOTATORS), _VOTES_AN_ITEM)):
        label = truth if rng.random() < 0.85 else rng.choice(LABELS)
        offset, moment = number * _VOTES_AN_ITEM + place, at + timedelta(seconds=place * 20)
        _annotation(rows, rng, about, record | {"kafka_offset": offset}, who, label, moment)
    status = "disputed" if rng.random() < 0.03 else "accepted"
    now = {"label": truth, "probability": 0.97, "votes": _VOTES_AN_ITEM, "status": status, "as_of": utc(at)}
    rest = {"label_kind": "text", "probabilities": json_text({truth: 0.97}), "contract_version": 1}
    rows["consensus"].append(about | now | rest)
    rows["consensus_history"].append(about | record | {"kafka_offset": number} | now)


def _annotation(  # the parts of one annotation
    rows: Rows, rng: random.Random, about: dict[str, Any], record: dict[str, Any], who: int, label: str, at: datetime
) -> None:
    annotator, identifier = f"a{who:04}", f"e-{record['kafka_offset']}"
    rule = rng.choice(_RULES) if rng.random() < 0.1 else None
    finding = {"rule": rule, "action": "flag", "message": "it is", "path": "label"}
    common = {
        "annotator": annotator, "annotator_kind": "human", "id": identifier, "label": label, "label_kind": "text",
        "occurred_at": utc(at), "judged_at": utc(at + timedelta(seconds=1)),
        "lead_time_seconds": rng.lognormvariate(2, 0.4),
        "label_probability": None, "predicted": None, "predicted_probability": None, "contract_version": 1,
    }  # fmt: skip
    said = about | record | common
    rows["annotations"].append(
        said
        | {"verdict": "validated", "action": "created", "prelabel": None, "prelabel_kind": None, "created_at": None}
        | {"platform": None, "platform_project": None, "platform_annotation": None, "attributes": "{}"}
        | {"findings": json_text([finding]) if rule else "[]", "below_threshold": None}
    )
    rows["votes"].append(said | {"live": True, "flagged": rule is not None})
    if rule:
        place = {
            "verdict": "validated",
            "number": 0,
            "annotator": annotator,
            "annotation": identifier,
            "occurred_at": utc(at),
        }
        rows["objections"].append(about | record | place | finding)


def _readings(rng: random.Random, source: int) -> Rows:
    """Return readings of a day each minute, of pairs, and what is known of each annotator."""
    rows: Rows = {name: [] for name in ("readings", "readings_now", "reliability", "conduct")}
    now = _BEGAN + timedelta(days=30)
    offset = 0
    for minute in range(1_440):
        for label in ("", *LABELS):
            offset += 1
            rows["readings"].append(_reading(rng, source, offset, now - timedelta(minutes=1_440 - minute), label))
    for one in range(100):
        for other in range(one):
            offset += 1
            reading = _reading(rng, source, offset, now, "")
            del reading["scope"]
            pair = {"kind": "pair", "subject": f"a{other:04}|a{one:04}", "subject_value": ""}
            rows["readings_now"].append(reading | pair)
    for who in range(_ANNOTATORS):
        about = {"project": PROJECT, "annotator": f"a{who:04}", "as_of": utc(now)}
        confusion = {right: {given: 90.0 if right == given else 3.0 for given in LABELS} for right in LABELS}
        bounds = {"accuracy": 0.85, "accuracy_low": 0.8, "accuracy_high": 0.9, "votes": 2_000}
        rows["reliability"].append(about | bounds | {"confusion": json_text(confusion)})
        rate = {"annotations": 2_000, "compared": 1_900, "agreement": 0.8, "agreement_low": 0.7, "agreement_high": 0.9}
        rows["conduct"].append(about | rate | {"median_seconds": 7.0, "standing": "[]", "report": '{"trend": []}'})
    return rows


def _reading(rng: random.Random, source: int, offset: int, at: datetime, label: str) -> dict[str, Any]:
    value = 0.6 + 0.2 * rng.random()
    return {
        "source": source, "kafka_partition": 0, "kafka_offset": offset, "project": PROJECT, "value": value,
        "coefficient": "krippendorff-alpha", "low": value - 0.05, "high": value + 0.05, "items": 900, "annotators": 40,
        "time_window": "15m", "window_start": utc(at), "window_end": utc(at), "as_of": utc(at),
        "scope": json_text({"label": label} if label else {}),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
