"""Build the context of a decoder from a connection."""

from datetime import datetime

from assay_schemas.annotation import ProjectId
from assay_services.gateway.core.decode_result import DecodeContext, Settings
from assay_services.gateway.core.platforms.field_mapping import FieldMapping
from assay_services.gateway.published_index import PublishedIndex
from assay_services.stores.control.tables.connections_and_keys import Connection


def asked_of(connection: Connection, held: PublishedIndex, now: datetime) -> DecodeContext:
    """Return the context in which a delivery of this connection is decoded."""
    return DecodeContext(
        project=ProjectId(connection.project),
        now=now,
        known=held.known,
        held=held.held,
        default=settings_of(connection),
        platform_project=connection.platform_project,
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
