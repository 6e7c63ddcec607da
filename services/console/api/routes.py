"""The query API."""

from fastapi import FastAPI

from services.console.parts import Parts


def add_api(app: FastAPI, parts: Parts) -> None:
    """Add the query API."""
