"""False-alarm rates and delays of conduct signals: `python -m bench.conduct [--quick] [--markdown FILE]`."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from rich.console import Console
from scipy.stats import beta

from assay_models.conduct.alarm_budget import FALSE_ALARMS_PER_WEEK, LEVELS
from bench.conduct_rules import RULES, MovingAverage, Rule, alarms, delay
from bench.conduct_runs import Calm, Case, Found, measure_cost, run_bad, run_calm
from bench.report import Sheet, as_document, as_table, at_most, conditions

TUNED = (1, 2, 3, 4)
UNTUNED = (2_001, 2_002, 2_003, 2_004)
KINDS = (("8 h a day", 8.0, 1_120, 4), ("round the clock", 24.0, 3_360, 1))
"""How much people work, after how many annotations (a week's) they change, and how many seeds of each sort are run."""
_LABELS_A_WEEK = 3_360
"""Of each annotator in a pool of the careful: three weeks of 8 h a day, or one round the clock."""
_RATE = 20
_COMPARED = ("accuracy .9 to .6", "accuracy .9 to .75", "guessing from then on")
_NEVER = 10**6
_WIDTH = 150


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and write where wanted."""
    parser = argparse.ArgumentParser(prog="python -m bench.conduct", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed of each sort, 8 h a day only")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables to this file")
    asked = parser.parse_args(arguments)
    console, sheets = Console(width=_WIDTH), list[Sheet]()
    for sheet in _measured(quick=asked.quick):
        console.print(as_table(sheet), "")
        sheets.append(sheet)
    console.print(conditions())
    if asked.markdown is not None:
        command = ("python -m bench.conduct", *arguments)
        document = as_document(
            sheets, title="False alarms and delays of conduct signals", command=command, now=datetime.now(UTC)
        )
        asked.markdown.write_text(document, encoding="utf-8")
    return 0


def _measured(*, quick: bool) -> Iterator[Sheet]:
    for name, hours, since, most_seeds in KINDS[: 1 if quick else 2]:
        count = 1 if quick else most_seeds
        seeds = {"tuned": TUNED[:count], "untuned": UNTUNED[:count]}
        days = 7 * _LABELS_A_WEEK / since
        calm = {sort: run_calm(some, hours=hours, days=days, keep=50) for sort, some in seeds.items()}
        yield _false_alarms(name, calm, seeds)
        days = 1.5 * since / hours / _RATE + 3
        bad = {sort: run_bad(some, hours=hours, since=since, days=days) for sort, some in seeds.items()}
        yield _delays(name, bad, seeds)
        yield _rules(name, calm, bad)
    yield _cost()


def _false_alarms(name: str, calm: dict[str, Calm], seeds: dict[str, tuple[int, ...]]) -> Sheet:
    rows = []
    for detector, level in LEVELS.items():
        cells = [_rate(one.by_detector[detector], one.total) for one in calm.values()]
        result = at_most(calm["untuned"].by_detector[detector] / calm["untuned"].total, level)
        rows.append([detector.value, *cells, f"{level:.3%}", result])
    whole = [_rate(one.by_detector.total(), one.total) for one in calm.values()]
    result = at_most(calm["untuned"].by_detector.total() / calm["untuned"].total, FALSE_ALARMS_PER_WEEK)
    rows.append(["all together", *whole, f"{FALSE_ALARMS_PER_WEEK:.2%}", result])
    for accuracy in sorted(next(iter(calm.values())).people):
        cells = [_rate(one.by_accuracy[accuracy], one.weeks * one.people[accuracy]) for one in calm.values()]
        rows.append([f"all, accuracy about {accuracy}", *cells, "", ""])
    notes = [
        f"{sort}: seeds {', '.join(map(str, seeds[sort]))}; {one.total:,.0f} annotator-weeks"
        for sort, one in calm.items()
    ]
    notes.append("200 careful annotators of accuracy .7 to .98, 20 labels an hour, 3 to 5 votes an item")
    notes.append("signals raised per annotator-week [95 % Clopper-Pearson interval]")
    notes.append("settings were chosen on the tuned seeds")
    notes.append("the result compares the untuned seeds with the target")
    notes.append("where the interval contains the target, the difference may be chance")
    return Sheet(f"False alarms per annotator-week, {name}", ["detector", *calm, "target", "result"], rows, notes)


def _rate(count: int, weeks: float) -> str:
    """Return alarms per annotator-week with the interval of a share: more than one in a week are rare."""
    trials = max(round(weeks), 1)
    low = 0.0 if count == 0 else float(beta.ppf(0.025, count, trials - count + 1))
    high = float(beta.ppf(0.975, count + 1, trials - count))
    return f"{count / weeks:.2%} [{low:.2%}, {high:.2%}]"


def _delays(name: str, bad: dict[str, Found], seeds: Mapping[str, tuple[int, ...]]) -> Sheet:
    rows = []
    for way in next(iter(bad.values())).cases:
        found = {sort: one.cases[way] for sort, one in bad.items()}
        every = [case for cases in found.values() for case in cases]
        dated = [case.is_dated for case in every if case.delay is not None]
        by = Counter(detector.value for case in every for detector in case.detectors).most_common(2)
        rows.append(
            [
                way,
                *(_delay_cell(cases) for cases in found.values()),
                f"{sum(dated) / max(len(dated), 1):.0%}",
                ", ".join(f"{detector} {count}" for detector, count in by),
            ]
        )
    notes = [
        "median of annotations from the change to the first signal (90th percentile; found / all)",
        "31 of 200 annotators misbehave; for copying: common items of the pair until the copying signal",
        "dated: how often the interval of `since` contained the true time; by: number of annotators per detector",
    ]
    for sort, one in bad.items():
        notes.append(f"{_seeds(sort, seeds)}; {one.false} signals about others in {one.careful_weeks:,.0f} weeks")
    return Sheet(f"Delays until the first signal, {name}", ["conduct", *bad, "dated", "by"], rows, notes)


def _seeds(sort: str, seeds: Mapping[str, Sequence[int]]) -> str:
    return f"{sort}: seeds {', '.join(map(str, seeds[sort]))}"


def _delay_cell(cases: Sequence[Case]) -> str:
    found = sorted(_NEVER if case.delay is None else case.delay for case in cases)
    ninth = found[min(9 * len(found) // 10, len(found) - 1)]
    return f"{_number(median(found))} ({_number(ninth)}; {sum(one < _NEVER for one in found)}/{len(found)})"


def _number(value: float) -> str:
    """Write a median; one between a delay and never is never, too."""
    return "never" if value >= _NEVER / 2 else f"{value:g}"


def _rules(name: str, calm: Mapping[str, Calm], bad: Mapping[str, Found]) -> Sheet:
    """Compare with rules: each set on the tuned seeds to at most as many false alarms as allowed, counted on others."""
    rows = []
    cases = {way: [case for one in bad.values() for case in one.cases[way]] for way in _COMPARED}
    for rule, (make, settings) in RULES.items():
        fitting = (setting for setting in settings if _share(make, setting, calm["tuned"]) <= FALSE_ALARMS_PER_WEEK)
        setting = next(fitting, settings[-1])
        rows.append([rule, f"{setting:g}", *_rule_cells(make, setting, calm["untuned"], cases)])
    rows.append(["moving average of 20", "0.6", *_rule_cells(MovingAverage, 0.6, calm["untuned"], cases)])
    ours = [median([_NEVER if case.delay is None else case.delay for case in cases[way]]) for way in _COMPARED]
    share = calm["untuned"].by_detector.total() / calm["untuned"].total
    rows.append(["Assay, all detectors", "", f"{share:.2%}", *map(_number, ours)])
    notes = ["each rule has its first setting with at most 1 % false alarms per annotator-week on the tuned seeds"]
    notes += [f"settings of {rule}: {', '.join(f'{one:g}' for one in some)}" for rule, (_, some) in RULES.items()]
    title = f"Median delay compared with simple rules at equal false alarms, {name}"
    return Sheet(title, ["rule", "setting", "false alarms", *_COMPARED], rows, notes)


def _rule_cells(
    make: Callable[[float], Rule], setting: float, calm: Calm, cases: Mapping[str, Sequence[Case]]
) -> list[str]:
    found = [f"{_share(make, setting, calm):.2%}"]
    for some in cases.values():
        delays = [delay(make(setting), case.before, case.after) for case in some]
        found.append(_number(median([_NEVER if one is None else one for one in delays])))
    return found


def _share(make: Callable[[float], Rule], setting: float, calm: Calm) -> float:
    """Return a rule's false alarms per annotator-week."""
    weeks = calm.weeks * len(calm.agreements)
    return sum(alarms(make(setting), agreements) for agreements in calm.agreements) / weeks


def _cost() -> Sheet:
    cost = measure_cost(UNTUNED[0], days=7)
    row = [f"{cost.annotations:,}", f"{cost.per_second:,.0f}", f"{cost.mean_bytes:,.0f}", f"{cost.most_bytes:,}"]
    columns = ["annotations per annotator", "annotations/s", "mean bytes per annotator", "maximum bytes"]
    return Sheet("Cost: one process, 200 annotators", columns, [row], ["bytes: the state as JSON"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
