"""The table of resent dead letters, which prevents resending one twice by mistake."""

# pyright: reportAssignmentType=false
# SQLModel's own typing: `__tablename__` is a plain text in every table.

from datetime import datetime

from sqlalchemy import BigInteger, Column
from sqlmodel import Field

from assay_services.stores.columns import Moment
from assay_services.stores.control.tables.connections_and_keys import Control


class SentAgain(Control, table=True):
    """One dead letter that somebody resent.

    It is identified by its address in Kafka and not in the archive, because an archive can be rebuilt. `sent_at` is
    None until Kafka has acknowledged it.
    """

    __tablename__ = "sent_again"

    cluster: str = Field(primary_key=True, max_length=200)
    prefix: str = Field(primary_key=True, max_length=200)
    kafka_partition: int = Field(primary_key=True)
    kafka_offset: int = Field(sa_column=Column(BigInteger(), primary_key=True, autoincrement=False))
    by: str = Field(max_length=200)
    asked_at: datetime = Field(sa_column=Column(Moment(), nullable=False))
    sent_at: datetime | None = Field(default=None, sa_column=Column(Moment(), nullable=True))
