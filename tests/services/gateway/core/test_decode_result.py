"""What a delivery comes to."""

from assay_services.gateway.core.decode_result import (
    Annotations,
    Fetch,
    FetchTarget,
    Nothing,
    Rejected,
    Settings,
    outcome_of,
    shortened,
)
from tests.services.gateway.payloads import asked
from tests.support.builders import an_annotation


def test_what_is_there_decides_the_outcome() -> None:
    annotation, wanted = an_annotation(), FetchTarget("task", "1")

    assert outcome_of([annotation], [wanted, wanted], ["odd"], otherwise="") == Annotations(
        (annotation,), (wanted,), ("odd",)
    )
    assert outcome_of([], [wanted], ["odd"], otherwise="why") == Fetch((wanted,), "odd")
    assert outcome_of([], [wanted], [], otherwise="why") == Fetch((wanted,), "why")
    assert outcome_of([], [], ["odd"], otherwise="why") == Rejected("odd")
    assert outcome_of([], [], [], otherwise="why") == Nothing("why")


def test_of_many_problems_the_first_are_said_each_once() -> None:
    problems = [f"problem {n}" for n in range(100_000)] * 2

    said = shortened(problems)

    assert len(said) == 21
    assert said[-1] == "and 99980 more"
    assert shortened(["a", "a"]) == ("a",)


def test_a_platform_project_may_have_settings_of_its_own() -> None:
    own = Settings(controls=("a",))

    asking = asked(settings={"3": own}, controls=("b",))

    assert asking.settings_of("3") == own
    assert asking.settings_of("4").controls == asking.settings_of(None).controls == ("b",)
    assert asking.known("1") is None
    assert list(asking.held("1")) == []
