"""Texts that look the same to a person and are different to a computer: `é` as one character or as two."""

import unicodedata

_INVISIBLE = {"Cf", "Cc"}


def look(text: str) -> str:
    """Return a form that is equal for texts that look the same.

    Composed and decomposed characters, full width, invisible characters, and spaces at the ends or several in a row
    make no difference. Case does: `Bug` and `bug` can be told apart.
    """
    visible = "".join(one for one in unicodedata.normalize("NFKC", text) if unicodedata.category(one) not in _INVISIBLE)
    return " ".join(visible.split())


def spelled_out(text: str) -> str:
    """Return a text in quotes, in which every character that is not ASCII is followed by its code and name."""
    return "'" + "".join(_shown(one) for one in text) + "'"


def _shown(one: str) -> str:
    if one.isascii() and one.isprintable():
        return one
    name = unicodedata.name(one, "no name").lower()
    is_visible = one.isprintable() and unicodedata.category(one) != "Mn"
    return f"{one if is_visible else ''}[U+{ord(one):04X} {name}]"
