"""What is promised, on small made-up pools with fixed seeds; `make bench-conduct` does it at length."""

import pytest

from assay_schemas.conduct import Detector
from bench.conduct_runs import run_bad, run_calm


def test_careful_annotators_are_left_alone() -> None:
    calm = run_calm([71], hours=8, days=2, size=60)

    assert calm.total == pytest.approx(60 * 2 / 7)
    assert calm.by_detector.total() == 0


def test_every_misconduct_is_found_by_a_detector_that_is_meant_for_it() -> None:
    found = run_bad([72], hours=8, since=160, days=2.5, size=62)

    meant = {
        "accuracy .9 to .6": Detector.ACCURACY_DROP,
        "guessing from the start": Detector.GUESSING,
        "copying (common items)": Detector.COPYING,
        "one label for all": Detector.PATTERN,
        "clicking through": Detector.TOO_FAST,
        "a machine's timing": Detector.BOT_TIMING,
    }
    for way, detector in meant.items():
        assert any(detector in case.detectors for case in found.cases[way]), way
    assert found.false <= 1
