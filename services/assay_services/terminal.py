"""What all commands share: the terminal, and how errors are shown to the user.

It imports nothing but Typer, Rich and the base of user errors, because every command imports it.
"""

import json
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from assay_schemas.errors import AssayUserError

P = ParamSpec("P")
T = TypeVar("T")

out = Console()
err = Console(stderr=True)


def fail(message: str) -> NoReturn:
    """Print what is wrong to stderr and end with exit code 1."""
    err.print(f"[bold red]error[/] {escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def escape(text: str) -> str:
    """Return text in which Rich sees no markup."""
    return text.replace("[", r"\[")


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Print rows as a table of text, or as one JSON array for scripts; `empty` is what a person sees of no rows.

    The keys of a row are the names of its columns. None is shown as "-" in the table and as null in JSON.
    """
    if as_json:
        sys.stdout.write(json.dumps([dict(row) for row in rows], ensure_ascii=False, default=str) + "\n")
        return
    if not rows:
        out.print(empty)
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(escape("-" if row[name] is None else str(row[name])) for name in columns))
    out.print(table)


def plain_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Let a command end with a sentence instead of a traceback if the user or the world is to blame."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except AssayUserError as error:
            fail(str(error))
        except OSError as error:
            fail(f"{error.filename or 'the system'}: {error.strerror or error}")
        except Exception as error:
            if not _is_kafka_error(error):
                raise
            fail(f"Kafka at {_kafka_address()} does not answer as it should: {error}")

    return run


def _is_kafka_error(error: Exception) -> bool:
    """Tell an error of the Kafka client from a bug. Only a command that has imported the client can raise one."""
    client = sys.modules.get("aiokafka.errors")
    return client is not None and isinstance(error, client.KafkaError)


def _kafka_address() -> str:
    from assay_services.engine.kafka import kafka_address  # noqa: PLC0415  # heavy, and needed for this message only
    from assay_services.engine.settings import RuntimeSettings  # noqa: PLC0415  # the same

    return kafka_address(RuntimeSettings())


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run the asynchronous part of a command."""
    import asyncio  # noqa: PLC0415  # a third of the time that a command without it takes to start

    return asyncio.run(work)
