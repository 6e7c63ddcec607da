"""Keys of records: two names in one text, from which both can be read again whatever they hold."""

from urllib.parse import unquote


def record_key(project: str, name: str) -> bytes:
    """Return the key of a project's item or annotator: `project:name`.

    A colon or a percent sign in the project is written `%3A` or `%25`, so the first colon ends the project. All other
    keys are the same text as without this rule.
    """
    return f"{_escaped(project, ':')}:{name}".encode()


def plain_key(project: str, name: str) -> bytes:
    """Return `project:name` as it is: it chooses the partition, as it always has.

    Two items may have the same one; they share a partition then, and nothing else.
    """
    return f"{project}:{name}".encode(errors="surrogateescape")


def split_key(key: bytes) -> tuple[str, str]:
    """Return the project and the name of a key made by `record_key`. Raise ValueError for other bytes."""
    project, colon, name = key.decode().partition(":")
    if not colon:
        raise ValueError("a key is written like this: project:name")
    return unquote(project), name


def pair_key(one: str, other: str) -> str:
    """Return a pair of names as one text, `a|b`; a bar or a percent sign in a name is written `%7C` or `%25`."""
    return f"{name_in_pair(one)}|{name_in_pair(other)}"


def name_in_pair(name: str) -> str:
    """Return a name as `pair_key` writes it."""
    return _escaped(name, "|")


def _escaped(name: str, separator: str) -> str:
    if separator not in name and "%" not in name:
        return name
    return name.replace("%", "%25").replace(separator, f"%{ord(separator):02X}")
