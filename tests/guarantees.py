"""What the lane promises, and the test file that holds it."""

PROMISES: dict[str, str] = {
    "one verdict per record after SIGKILL": "tests/services/validator/test_chaos.py",
    "one verdict per record after SIGSTOP beyond the session": "tests/services/validator/test_chaos.py",
    "state equals an undisturbed run": "tests/services/validator/test_chaos.py",
    "waits for Kafka and goes on": "tests/services/validator/test_chaos.py",
    "a step that raises skips nothing": "tests/services/engine/test_lane.py",
    "a partition fenced by another owner writes nothing": "tests/services/engine/test_lane.py",
    "the position comes from the state, not from the group": "tests/services/engine/test_lane.py",
    "records below the position are dropped": "tests/services/engine/test_lane.py",
}
