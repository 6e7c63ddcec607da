"""The type of decoded JSON."""

from typing import Any, TypeAlias

Json: TypeAlias = Any
"""Decoded JSON of any shape: None, bool, int, float, str, and lists and dictionaries of these.

Python's type checkers can describe it, but whoever reads it has to check shapes at run time anyway; a precise type would
only move casts to every reader.
"""  # noqa: E501
