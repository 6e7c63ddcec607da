"""Python's garbage collector, and how little there is for it to find."""

import gc


def tame_garbage_collector() -> None:
    """Look for garbage rarely: our data have no cycles, and looking took half of the time of parsing a batch.

    Measured on 2,000 events of 470 bytes: 16.6 µs an event with Python's defaults, 8.9 µs like this.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
