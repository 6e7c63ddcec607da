"""Agreement straight from lists of labels: the same as from a table."""

import pytest

from assay_models.agreement.krippendorff import interval_alpha, nominal_alpha, ordinal_alpha, ratio_alpha
from assay_models.agreement.label_lists import krippendorff_alpha, pattern_table

ITEMS = [[1, 1], [2, 2, 3], [3, 3], [1, 4], [2]]


def test_items_with_the_same_labels_are_one_pattern() -> None:
    assert pattern_table([["a", "b"], ["b", "a"], ["a"]]) == {(("a", 1), ("b", 1)): 2, (("a", 1),): 1}


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_alpha_is_that_of_its_level(level: str) -> None:
    alphas = {"nominal": nominal_alpha, "ordinal": ordinal_alpha, "interval": interval_alpha, "ratio": ratio_alpha}

    assert krippendorff_alpha(ITEMS, level=level) == alphas[level](pattern_table(ITEMS))


def test_alpha_is_undefined_where_nothing_can_be_paired() -> None:
    assert krippendorff_alpha([["a"], ["b"]]) is None
