"""Kills, a zombie, a broker restart: the short run. `make chaos` is the full one."""

from pathlib import Path

from bench.chaos import Plan, run_chaos


def test_exactly_one_verdict_per_record_through_kills_a_zombie_and_a_broker_restart(tmp_path: Path) -> None:
    plan = Plan(events=30_000, rate=2_000, kills=6, freezes=1, broker_restarts=1, seed=11, kafka_away_seconds=3)

    outcome = run_chaos(plan, tmp_path)

    assert outcome.problems == []
    assert sum(outcome.verdicts.values()) == plan.events
    assert outcome.verdicts["superseded"] > 0
    assert outcome.verdicts["dead"] > 0
