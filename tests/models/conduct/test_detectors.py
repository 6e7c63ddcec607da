import pytest

from assay_models.conduct import copy_detection
from assay_models.conduct.baseline import Baseline, Skill, chance_of_agreeing
from assay_models.conduct.detectors import accuracy_drop, bot_timing, fatigue, guessing, label_shift, pattern, too_fast
from assay_models.conduct.e_detector import Alternative, Bet
from assay_models.conduct.population import Population
from assay_models.conduct.report import spammer_score
from tests.models.conduct.builders import LABELS, a_look

POOL = Population(4)
UNKNOWN = {"truth": None, "agrees": False}


def habits_that_said(*labels: str) -> Baseline:
    habits = Baseline()
    for label in labels:
        habits.count_label(label)
    return habits


def is_fair(bet: Bet | None) -> bool:
    assert bet is not None
    pairs = zip(bet.agreeing, bet.disagreeing, strict=True)
    return all(bet.usual * one + (1 - bet.usual) * other == pytest.approx(1) for one, other in pairs)


def test_skill_is_agreement_above_chance_in_parts_of_the_pool() -> None:
    # The pool agrees at .85, chance at .25: somebody of skill 1/2 at .25 + .6 / 2.
    assert chance_of_agreeing(0.5, 0.85, 0.25) == pytest.approx(0.55)
    assert chance_of_agreeing(9.0, 0.85, 0.25) == 0.985
    assert chance_of_agreeing(-9.0, 0.85, 0.25) == 0.02


def test_skill_is_learned_and_old_lessons_fade() -> None:
    skill = Skill()

    for number in range(10_000):
        skill.learn(0.85, 0.25, agrees=number % 4 > 0)

    assert skill.ratio == pytest.approx((0.75 - 0.25) / 0.6, abs=0.01)
    assert skill.weight == 12_000


def test_a_bet_on_a_drop_is_fair_while_there_is_none() -> None:
    look, habits = a_look(), Baseline()

    bet = accuracy_drop(look, habits, POOL)

    assert is_fair(bet)
    assert bet is not None
    assert bet.disagreeing[0] > bet.disagreeing[1] > 1 > bet.agreeing[1]
    assert accuracy_drop(a_look(**UNKNOWN), habits, POOL) is None


def test_a_bet_on_guessing_is_fair_for_the_least_able() -> None:
    habits = habits_that_said(*LABELS * 5)

    bet = guessing(a_look(), habits, POOL)

    assert is_fair(bet)
    assert bet is not None
    # Five of twenty, with half a count for each of four labels: 5.5 / 22 = .25; the least able agrees at .658.
    assert bet.usual == pytest.approx(0.25 + 0.68 * 0.6)
    assert bet.agreeing[0] == pytest.approx(0.25 / bet.usual)
    assert guessing(a_look(**UNKNOWN), habits, POOL) is None


def test_whoever_always_says_the_commonest_label_is_judged_by_the_other_items() -> None:
    habits = habits_that_said(*["safe"] * 30)

    common, rare = guessing(a_look(), habits, POOL), guessing(a_look(truth="scam", agrees=False), habits, POOL)

    assert common is not None
    assert rare is not None
    assert common.agreeing[0] == pytest.approx(1)
    assert rare.disagreeing[0] > 2


def test_the_same_label_whatever_the_item_is_a_pattern() -> None:
    habits = habits_that_said("adult", "scam", "safe", "safe")

    wrong = pattern(a_look(truth="scam", agrees=False), habits, POOL)
    right = pattern(a_look(), habits, POOL)

    assert wrong[0] == wrong[1] > 10
    assert wrong[2] == wrong[3] == pytest.approx(0.1)
    assert right[0] == pytest.approx(0.9 / 0.8 + 0.1)
    assert set(pattern(a_look(**UNKNOWN), habits, POOL)) == {1.0}
    assert set(pattern(a_look(), habits_that_said("safe"), POOL)) == {1.0}


def test_of_two_labels_the_wrong_one_is_the_only_error() -> None:
    habits = habits_that_said("yes", "no", "yes", "no")

    found = pattern(a_look(label="no", truth="yes", agrees=False, chance=0.5), habits, POOL)

    assert found[0] == pytest.approx(0.9 / 0.2 + 0.1)


def test_times_below_nearly_all_others_speak_for_clicking_through() -> None:
    assert too_fast(a_look(pace=-3.0), Baseline(), POOL)[0] == pytest.approx(2.25)
    assert too_fast(a_look(pace=0.0), Baseline(), POOL)[0] == pytest.approx(1 / 6)
    assert too_fast(a_look(), Baseline(), POOL) == (1.0,)


def test_steps_of_nearly_nothing_speak_for_a_machine() -> None:
    pool = Population(4)

    assert list(bot_timing(a_look(lead_step=0.01, gap_step=0.7), Baseline(), pool)) == pytest.approx([3.4, 0.2])
    assert bot_timing(a_look(), Baseline(), pool) == (1.0, 1.0)


def test_where_the_pool_is_regular_regularity_says_less() -> None:
    pool = Population(4)
    for _ in range(200):
        pool.note_regularity("lead", close=True)
    pool.pass_to(60.0)

    assert bot_timing(a_look(lead_step=0.01), Baseline(), pool)[0] == pytest.approx(0.85 / 0.6)


def test_a_label_said_in_error_speaks_for_its_overuse() -> None:
    habits = habits_that_said("safe", "scam")

    found = label_shift(a_look(label="scam", agrees=False), habits, POOL)

    # Errors: 0.2, a third of them scam: 1/15. Overused: 1/15 + 0.1 or three times that, whichever is more.
    assert found[1] == pytest.approx(3.0)
    assert found[0] == 1.0
    assert len(found) == 8
    assert set(label_shift(a_look(**UNKNOWN), habits, POOL)) == {1.0}


def test_errors_count_where_they_could_be_made() -> None:
    habits = habits_that_said("safe", "scam")

    for _ in range(20):
        habits.err("scam", "safe", 0.25)
        habits.err("safe", "safe", 0.25)
        habits.err("odd", "unknown", 0.0)

    # 21 errors "scam" (one to begin with) of 10 expected errors, and 3 to begin with; "safe" had no chance of one.
    assert habits.share_of_errors("scam", 0.25) == pytest.approx(21 / 13)
    assert habits.share_of_errors("safe", 0.25) == pytest.approx(1 / 3)


def test_errors_late_in_a_session_speak_for_fatigue_and_early_ones_against() -> None:
    habits = Baseline()

    late = fatigue(a_look(agrees=False, hours=3.0), habits, POOL)
    early = fatigue(a_look(agrees=False, hours=0.5), habits, POOL)

    assert late[0] == late[1] > 1 > late[2]
    assert max(early) < 1
    assert set(fatigue(a_look(**UNKNOWN), habits, POOL)) == {1.0}


def test_a_bad_first_hour_is_what_later_ones_are_set_beside() -> None:
    habits = Baseline()
    habits.begin_session(0.0)
    before = fatigue(a_look(agrees=False, hours=3.0), habits, POOL)[0]
    for _ in range(20):
        habits.early.learn(0.85, 0.25, agrees=False)

    after = fatigue(a_look(agrees=False, hours=3.0), habits, POOL)[0]

    assert after < before


def test_agreement_with_a_dissenter_says_more_than_agreement_with_all() -> None:
    pool, habits = Population(4), Baseline()
    wrong = a_look(label="scam", agrees=False, expected=0.8)

    shared_error = copy_detection.ratio(wrong, habits, pool, 5, "scam")
    shared_truth = copy_detection.ratio(a_look(), habits, pool, 5, "safe")
    apart = copy_detection.ratio(wrong, habits, pool, 5, "safe")

    assert shared_error > 5
    assert shared_truth == pytest.approx(1.2)
    assert apart == pytest.approx(0.2)


def test_a_pair_remembers_what_speaks_for_copying_as_long_as_it_may_last() -> None:
    pair = copy_detection.AnnotatorPair(Alternative(at=0.0))
    for number in range(14):
        pair.update(5.0, 0.01, 1.0, float(number))
        pair.record(5.0, [f"i{number}", "an", "scam", "safe", False, float(number)])
        pair.count(same=True, error=True)
    held = len(pair.telling)
    pair.record(1.2, ["i", "an", "safe", "safe", False, 0.0])

    restored = copy_detection.AnnotatorPair.load(pair.dump())

    assert held == len(pair.telling) == 10
    assert (pair.common, pair.same, pair.same_errors) == (14, 14, 14)
    assert restored == pair or restored.dump() == pair.dump()
    for _ in range(20):
        pair.update(0.2, 0.01, 1.0, 20.0)
    pair.update(0.2, 0.01, 1.0, 21.0)
    assert pair.telling == []


def test_long_names_leave_room_for_fewer_telling_items() -> None:
    pair = copy_detection.AnnotatorPair(Alternative(at=0.0))

    for number in range(5):
        pair.record(5.0, ["i" * 90, "a" * 90, "scam", "safe", False, float(number)])

    assert len(pair.telling) == 1


def test_the_spammer_score_of_two_labels_is_that_of_the_paper() -> None:
    # Sensitivity 8/10, specificity 9/10: (0.8 + 0.9 - 1) squared.
    confusion = {"yes": {"yes": 8.0, "no": 2.0}, "no": {"no": 9.0, "yes": 1.0}}

    assert spammer_score(confusion) == pytest.approx(0.49)


def test_perfect_labels_score_one_and_guesses_nothing() -> None:
    perfect = {label: {label: 5.0} for label in LABELS}
    guesses = {label: dict.fromkeys(LABELS, 5.0) for label in LABELS}

    assert spammer_score(perfect) == pytest.approx(1.0)
    assert spammer_score(guesses) == 0.0
    assert spammer_score({"safe": {"safe": 9.0}, "scam": {"safe": 1.0}}) is None
