"""What all commands share: the terminal, and how an error of the user is said."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

import typer
from aiokafka.errors import KafkaError
from rich.console import Console

from assay_models.consistency.training_data import TrainingImpossible
from assay_services.archive.store import DatabaseAway
from assay_services.devtools.local_broker import BrokerFailedError
from assay_services.engine.kafka import NoKafkaError, kafka_address
from assay_services.engine.settings import RuntimeSettings
from assay_services.engine.takeover import StateContestedError
from assay_services.engine.topic_admin import TopicMismatchError
from assay_services.export.core.dataset import ExportImpossible
from assay_services.ingest.contract_files.yaml_file import YamlFileError
from assay_services.ingest.file_readers import InputError
from assay_services.stores.archive.engine import DatabaseError
from assay_services.stores.archive.sql_query import QueryRefused

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
