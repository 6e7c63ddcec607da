"""How many of the annotators with so much evidence are called out wrongly (e-BH: Wang & Ramdas 2022, section 4)."""

from collections.abc import Iterable


def false_discovery_level(own: float, others: Iterable[float], count: int) -> float:
    """Return the lowest level at which e-BH calls out an annotator with the e-value `own`, at most 1.

    `others` are the e-values of the other annotators, as far as they are above 1, and `count` is how many annotators
    there are altogether. e-BH at level a calls out the k with the most evidence, for the largest k at which the k-th
    e-value is at least count / (a k), whatever the dependence between them.
    """
    ranked = sorted((*others, own), reverse=True)
    needed = [count / (place * value) for place, value in enumerate(ranked, 1) if value > 0 and value <= own]
    return min(1.0, *needed, 1.0)
