"""Settings of Python's garbage collector for data without reference cycles."""

import gc


def tame_garbage_collector() -> None:
    """Run the garbage collector rarely: our data have no cycles, and collections took half the time of parsing a batch.

    Measured on 2,000 events of 470 bytes: 16.6 µs per event with Python's defaults, 8.9 µs with these thresholds.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
