"""Build the context of a decoder from a connection."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from assay_schemas.annotation import ItemId, ProjectId
from assay_schemas.contract.label_contract import LabelContract
from assay_services.gateway.core.decode_result import DecodeContext, Settings
from assay_services.gateway.core.platforms.field_mapping import FieldMapping
from assay_services.gateway.published_index import PublishedIndex
from assay_services.stores.control.tables.connections_and_keys import Connection

LabelKindOf: TypeAlias = Callable[[ProjectId], str | None]
"""A function that returns the kind of label in a project's contract, or None if it is unknown."""


def kind_unknown(_: ProjectId) -> str | None:
    """Return None: no contract is known."""
    return None


def label_kinds(contracts: Mapping[ProjectId, LabelContract]) -> LabelKindOf:
    """Return a function that looks into these contracts each time."""

    def kind_of(project: ProjectId) -> str | None:
        contract = contracts.get(project)
        return None if contract is None else contract.label.kind

    return kind_of


def asked_of(
    connection: Connection, held: PublishedIndex, now: datetime, kind_of: LabelKindOf = kind_unknown
) -> DecodeContext:
    """Return the context in which a delivery of this connection is decoded."""
    project, settings = ProjectId(connection.project), settings_of(connection)

    def held_of(thing: str) -> Sequence[str]:
        return held.held(ItemId(thing)) if settings.item_field is None else held.of_thing(thing)

    return DecodeContext(
        project=project,
        now=now,
        known=held.known,
        held=held_of,
        default=settings,
        platform_project=connection.platform_project,
        label_kind=kind_of(project),
    )


def settings_of(connection: Connection) -> Settings:
    """Return the settings that a person chose for a connection."""
    chosen = connection.settings
    mapping = chosen.get("mapping")
    return Settings(
        controls=tuple(chosen.get("controls", ())),
        item_field=chosen.get("item_field"),
        text_field=chosen.get("text_field"),
        attributes=None if chosen.get("attributes") is None else tuple(chosen["attributes"]),
        annotator=chosen.get("annotator"),
        mapping=None if mapping is None else FieldMapping.model_validate(mapping),
    )
