"""What all commands share: the terminal, and how an error of the user is said."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

import typer
from aiokafka.errors import KafkaError
from rich.console import Console

from models.learned.observations import TrainingImpossible
from services.archive.asking import QueryRefused
from services.archive.dataset import ExportImpossible
from services.archive.store import DatabaseAway
from services.cli.inputs import InputError
from services.runtime.broker import BrokerFailedError
from services.runtime.database import DatabaseError
from services.runtime.kafka import NoKafkaError, kafka_address
from services.runtime.settings import RuntimeSettings
from services.runtime.takeover import StateContestedError
from services.runtime.topics import TopicMismatchError
from services.runtime.yaml_file import YamlFileError

P = ParamSpec("P")
T = TypeVar("T")

out = Console()
err = Console(stderr=True)

_USER_ERRORS = (
    BrokerFailedError,
    DatabaseAway,
    DatabaseError,
    ExportImpossible,
    InputError,
    NoKafkaError,
    QueryRefused,
    StateContestedError,
    TopicMismatchError,
    TrainingImpossible,
    YamlFileError,
)


def fail(message: str) -> NoReturn:
    """Say what is wrong and end with exit code 1."""
    err.print(f"[bold red]error[/] {escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def escape(text: str) -> str:
    """Return text that Rich takes as it is."""
    return text.replace("[", r"\[")


def plain_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Let a command end with a plain sentence, not with a traceback, where the user or the world is at fault."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except _USER_ERRORS as error:
            fail(str(error))
        except KafkaError as error:
            fail(f"Kafka at {kafka_address(RuntimeSettings())} does not answer as it should: {error}")
        except OSError as error:
            fail(f"{error.filename or 'the system'}: {error.strerror or error}")

    return run


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run the asynchronous part of a command."""
    return asyncio.run(work)
