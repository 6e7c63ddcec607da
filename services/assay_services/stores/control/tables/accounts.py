"""Tables of the console's users, their sessions, and one-time links."""

# pyright: reportAssignmentType=false
# SQLModel's own typing: `__tablename__` is a plain text in every table.

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field

from assay_services.stores.columns import moment
from assay_services.stores.control.tables.connections_and_keys import Control


class Role(StrEnum):
    """A user's role; each role may do everything that the ones before may.

    viewer: see everything except annotators' names. reviewer: adjudicate disputed items. lead: see the names, handle
    alerts, resend dead letters. admin: users, keys and settings.
    """

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    LEAD = "lead"
    ADMIN = "admin"

    def is_at_least(self, other: "Role") -> bool:
        """Return whether this role may do everything that the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class User(Control, table=True):
    """A user. `digest` is the argon2id digest of the password; None: no sign-in by password.

    `subject` is the issuer and the person's id there, for users of OpenID Connect.
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
    """One signed-in browser. `digest` is the SHA-256 of the cookie, `form_token` the token required in its forms."""

    __tablename__ = "web_sessions"

    digest: str = Field(primary_key=True, max_length=64)
    user: str = Field(max_length=100, index=True)
    form_token: str = Field(max_length=64)
    created_at: datetime = moment()
    used_at: datetime = moment()
    expires_at: datetime = moment()


class OneTimeLink(Control, table=True):
    """A link that signs its holder in once as an admin to choose a password. Only its SHA-256 is stored."""

    __tablename__ = "one_time_links"

    digest: str = Field(primary_key=True, max_length=64)
    created_at: datetime = moment()
    expires_at: datetime = moment()
    used_at: datetime | None = moment(optional=True)
