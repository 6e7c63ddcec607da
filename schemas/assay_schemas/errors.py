"""The base of every error that a user or the world is to blame for. It imports nothing."""


class AssayUserError(Exception):
    """An error whose message is written for people: it says what is wrong, where, and what to do.

    Commands print the message and end with exit code 1. Any other exception is a bug and keeps its traceback.
    """
