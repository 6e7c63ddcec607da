"""`assay decode`: decode recorded deliveries of a platform as the gateway would."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from assay_schemas.annotation import ProjectId
from assay_services.cli.platform_options import OPTIONS, read_options
from assay_services.cli.recorded_deliveries import Recorded, files_of, read_recorded
from assay_services.gateway.core.decode_result import (
    Annotations,
    DecodeContext,
    DecodeResult,
    EarlierAnnotation,
    Fetch,
    Rejected,
    Settings,
    outcome_of,
    shortened,
)
from assay_services.gateway.core.platforms import label_studio
from assay_services.gateway.core.platforms.coercion import Malformed, fields, parse
from assay_services.gateway.core.platforms.registry import PLATFORMS, Platform, platform_named
from assay_services.gateway.core.signatures import (
    AppenSignature,
    Scheme,
    SignatureRefused,
    StaticHeader,
    in_header,
    verify,
)
from assay_services.ingest.contract_files.contract_file import load_contract
from assay_services.ingest.contract_files.mapping_file import load_mapping
from assay_services.ingest.platform_exports.label_studio_export import LabelStudioTasks, is_task
from assay_services.terminal import err, escape, fail, plain_errors

_FILES = "Recorded deliveries: a raw body each, or JSON with `headers` and `raw_body` or `body`; or folders of them."


class Index:
    """The annotations in earlier files of this run, to resolve deletions that carry only ids."""

    def __init__(self) -> None:
        """Start empty."""
        self._known: dict[str, EarlierAnnotation] = {}
        self._held: dict[str, dict[str, None]] = {}

    def learn(self, outcome: DecodeResult) -> None:
        """Remember the item and annotator of each annotation."""
        if not isinstance(outcome, Annotations):
            return
        for one in outcome.annotations:
            if one.source is not None and one.source.annotation is not None:
                self._known[one.source.annotation] = EarlierAnnotation(
                    one.item.id, one.annotator.id, one.project, one.occurred_at
                )
                thing = outcome.things.get(one.source.annotation, one.item.id)
                self._held.setdefault(thing, {})[one.source.annotation] = None

    def known(self, annotation: str) -> EarlierAnnotation | None:
        """Return an earlier annotation by its id, or None."""
        return self._known.get(annotation)

    def held(self, thing: str) -> Sequence[str]:
        """Return the ids of the annotations of a platform's task or record."""
        return list(self._held.get(thing, {}))


@plain_errors
def decode(
    files: Annotated[list[Path], typer.Argument(help=_FILES)],
    platform: Annotated[str, typer.Option("--platform", "-p", help=f"One of: {', '.join(PLATFORMS)}.")],
    secret: Annotated[
        list[str] | None, typer.Option(help="Verify the signature with this secret; repeat for more.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="When the deliveries arrived, e.g. 2026-11-24T12:00:00Z.")] = None,
    project: Annotated[str | None, typer.Option(help="Assay's project. Default: the platform's project id.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="The mapping in YAML, for the platform `generic`.")] = None,
    contract: Annotated[
        Path | None,
        typer.Option("--contract", "-c", help="The project's contract in YAML: its kind of label is known."),
    ] = None,
    options: Annotated[
        list[str] | None, typer.Option("--set", help=f"NAME=VALUE; repeat for more. Names: {', '.join(OPTIONS)}.")
    ] = None,
) -> None:
    """Decode recorded webhook deliveries of a platform.

    They are decoded as the gateway would decode them, and nothing is sent. Prints one JSON line per file.

    A deletion that carries only an id is resolved with the annotations of earlier files. Ends with exit code 1 if a
    file cannot be read.

    Example: assay decode --platform label-studio --secret S delivery.json
    """
    given = read_options(options or [])
    settings = given.settings(None if mapping is None else load_mapping(mapping))
    chosen, index = _chosen(platform, settings, given.last("header")), Index()
    asked = DecodeContext(
        project=None if project is None else ProjectId(project),
        now=datetime.now(UTC) if at is None else _time(at),
        known=index.known,
        held=index.held,
        default=settings,
        platform_project=given.last("platform-project"),
        label_kind=None if contract is None else load_contract(contract).label.kind,
    )
    if not _decode_all(chosen, files, asked, secret or [], index):
        raise typer.Exit(1)


def _decode_all(
    platform: Platform, files: Sequence[Path], asked: DecodeContext, secrets: Sequence[str], index: Index
) -> bool:
    """Print a line for each file; return whether all of them could be read."""
    all_readable = True
    for path in files_of(files):
        try:
            recorded = read_recorded(path)
        except OSError as error:
            err.print(f"[bold red]error[/] {escape(str(path))}: {error.strerror or error}", highlight=False)
            all_readable = False
            continue
        refusal = _refusal(platform.scheme, recorded, asked.now, secrets) if secrets else None
        outcome = _decoded(platform, recorded, asked) if refusal is None else Rejected(f"signature: {refusal}")
        index.learn(outcome)
        sys.stdout.write(_line(path, outcome) + "\n")
    return all_readable


def _decoded(platform: Platform, recorded: Recorded, asked: DecodeContext) -> DecodeResult:
    """Decode a delivery. An export of Label Studio is no delivery, but it holds the same annotations."""
    body = parse(recorded.delivery.raw) if platform.name == label_studio.NAME else None
    if not isinstance(body, list) or not body or not all(is_task(fields(one)) for one in body):
        return platform.decode(recorded.delivery, asked)
    notes = Counter[str]()
    tasks = LabelStudioTasks(asked, None, notes)
    found = [one for task in body for one in tasks.read(task)]
    problems = [one.reason for one in found if isinstance(one, Malformed)]
    annotations = [one for one in found if not isinstance(one, Malformed)]
    return outcome_of(annotations, (), [*problems, *notes], otherwise="no task has an annotation")


def _refusal(scheme: Scheme, recorded: Recorded, now: datetime, secrets: Sequence[str]) -> str | None:
    """Return why the signature is not accepted, or None if it is."""
    if recorded.without_headers and not isinstance(scheme, AppenSignature):
        return "the file is a raw body without headers, so nothing says who sent it; record the headers, too"
    if recorded.rewritten and not isinstance(scheme, StaticHeader):
        return "the file has only `body`, read and written again; a signature needs the raw bytes: record `raw_body`"
    verified = verify(scheme, secrets, recorded.delivery, now=now)
    return verified.reason if isinstance(verified, SignatureRefused) else None


def _line(path: Path, outcome: DecodeResult) -> str:
    found = outcome if isinstance(outcome, Annotations) else Annotations(())
    fetch = outcome.wanted if isinstance(outcome, Fetch) else found.fetch
    line = {
        "file": str(path).encode(errors="replace").decode(),
        "outcome": type(outcome).__name__.lower(),
        "reason": "; ".join(found.problems) or None if isinstance(outcome, Annotations) else outcome.reason,
        "unread": list(shortened([str(one) for one in found.unread])),
        "annotations": [one.model_dump(mode="json") for one in found.annotations],
        "fetch": [{"kind": one.kind, "id": one.id} for one in fetch],
    }
    return orjson.dumps(line).decode()


def _chosen(name: str, settings: Settings, header: str | None) -> Platform:
    found = platform_named(name)
    if found is None:
        fail(f"there is no platform '{name}'; there are: {', '.join(PLATFORMS)}")
    scheme: Scheme | None = found.scheme_for(settings)
    if header is not None and scheme is not None:
        scheme = in_header(scheme, header)
    if scheme is None:
        fail(f"the headers that {found.name} signs in are not to be chosen")
    return replace(found, scheme=scheme)


def _time(written: str) -> datetime:
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        fail(f"--at: '{written}' is no time; write it like this: 2026-11-24T12:00:00Z")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
