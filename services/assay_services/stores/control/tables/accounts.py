"""Who may use the console: users, their sessions, and the links that let somebody in once."""

# pyright: reportAssignmentType=false
# SQLModel's own typing: `__tablename__` is a plain text in every table.

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field

from assay_services.stores.columns import moment
from assay_services.stores.control.tables.connections_and_keys import Control


class Role(StrEnum):
    """What somebody is, each with all that those before may do.

    viewer: see everything but the annotators' names. reviewer: settle disputed items. lead: see the names, handle
    alerts, replay dead letters. admin: users, keys and settings.
    """

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    LEAD = "lead"
    ADMIN = "admin"

    def is_at_least(self, other: "Role") -> bool:
        """Tell whether this role may do all that the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class User(Control, table=True):
    """Somebody who signs in. `digest` is argon2id's of the password; None: not by password.

    `subject` is the issuer and the person's id there, where they came by OpenID Connect.
    """

    __tablename__ = "users"

    name: str = Field(primary_key=True, max_length=100)
    role: Role
    digest: str | None = Field(default=None, max_length=300)
    subject: str | None = Field(default=None, max_length=500, unique=True)
    disabled: bool = False
    failures: int = 0
    locked_until: datetime | None = moment(optional=True)
    created_at: datetime = moment()
    last_seen_at: datetime | None = moment(optional=True)


class WebSession(Control, table=True):
    """One browser that is signed in. `digest` is the SHA-256 of the cookie, `form_token` what its forms must carry."""

    __tablename__ = "web_sessions"

    digest: str = Field(primary_key=True, max_length=64)
    user: str = Field(max_length=100, index=True)
    form_token: str = Field(max_length=64)
    created_at: datetime = moment()
    used_at: datetime = moment()
    expires_at: datetime = moment()


class OneTimeLink(Control, table=True):
    """A link that lets its holder in once, as an admin, to choose a password. Only its SHA-256 is kept."""

    __tablename__ = "one_time_links"

    digest: str = Field(primary_key=True, max_length=64)
    created_at: datetime = moment()
    expires_at: datetime = moment()
    used_at: datetime | None = moment(optional=True)
