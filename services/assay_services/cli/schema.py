"""`assay schema`: print the JSON Schemas and the AsyncAPI document."""

import sys
from typing import Annotated

import orjson
import typer

from assay_services.devtools.asyncapi import asyncapi_document, json_schemas
from assay_services.terminal import fail, out, plain_errors


@plain_errors
def schema(
    name: Annotated[str | None, typer.Argument(help="A schema's name, or 'asyncapi'; without it, all names.")] = None,
) -> None:
    """Print the JSON Schema of an event, or the AsyncAPI document.

    Example: assay schema annotation
    """
    documents = {**json_schemas(), "asyncapi": asyncapi_document()}
    if name is None:
        for each in documents:
            out.print(each)
        return
    if name not in documents:
        fail(f"no schema is named '{name}'; schemas: {', '.join(documents)}")
    sys.stdout.write(orjson.dumps(documents[name], option=orjson.OPT_INDENT_2).decode() + "\n")
