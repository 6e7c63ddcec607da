"""Sign-in sessions, stored on the server and identified by a random cookie; and one-time links."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, update
from sqlmodel import Session, col, select

from assay_services.stores.control.tables.accounts import OneTimeLink, Role, User, WebSession

_TOUCH = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who makes a request: a signed-in user, or an API key (then `form_token` is None)."""

    name: str
    role: Role
    form_token: str | None = None

    def may(self, role: Role) -> bool:
        """Return whether the viewer has at least this role."""
        return self.role.is_at_least(role)


class Sessions:
    """The sessions and links. Every method is one transaction, and blocks."""

    def __init__(self, engine: Engine, *, lasting: timedelta) -> None:
        """Use the control database; a session without use ends after `lasting`."""
        self._engine = engine
        self._lasting = lasting

    def open(self, user: User, *, now: datetime) -> str:
        """Sign a user in; return the value of the cookie."""
        cookie = secrets.token_urlsafe(32)
        opened = WebSession(
            digest=_digest(cookie), user=user.name, form_token=secrets.token_urlsafe(32),
            created_at=now, used_at=now, expires_at=now + self._lasting,
        )  # fmt: skip
        with Session(self._engine) as session:
            session.execute(delete(WebSession).where(col(WebSession.expires_at) < now))
            session.add(opened)
            session.commit()
        return cookie

    def viewer(self, cookie: str | None, *, now: datetime) -> Viewer | None:
        """Return who is signed in with a cookie; None if the session is unknown or over, or the user disabled."""
        if not cookie:
            return None
        with Session(self._engine, expire_on_commit=False) as session:
            opened = session.get(WebSession, _digest(cookie))
            user = None if opened is None else session.get(User, opened.user)
            if opened is None or user is None or user.disabled or opened.expires_at < now:
                return None
            if now - opened.used_at > _TOUCH:
                opened.used_at, opened.expires_at = now, now + self._lasting
                session.add(opened)
                session.commit()
            return Viewer(user.name, Role(user.role), opened.form_token)

    def close(self, cookie: str | None) -> None:
        """Sign a browser out."""
        with Session(self._engine) as session:
            session.execute(delete(WebSession).where(col(WebSession.digest) == _digest(cookie or "")))
            session.commit()

    def first_link(self, *, now: datetime, lasting: timedelta) -> str | None:
        """Return the token of a new one-time link; None if there is an active admin.

        It replaces earlier links: only the newest one works.
        """
        with Session(self._engine) as session:
            admins = select(User).where(col(User.role) == Role.ADMIN, col(User.disabled).is_(False))
            if session.exec(admins).first() is not None:
                return None
            token = secrets.token_urlsafe(32)
            session.execute(delete(OneTimeLink))
            session.add(OneTimeLink(digest=_digest(token), created_at=now, expires_at=now + lasting))
            session.commit()
        return token

    def link_is_good(self, token: str, *, now: datetime) -> bool:
        """Return whether a link is valid: known, unused, and not expired."""
        with Session(self._engine) as session:
            link = session.get(OneTimeLink, _digest(token))
            return link is not None and link.used_at is None and now < link.expires_at

    def use_link(self, token: str, *, now: datetime) -> bool:
        """Mark a link as used; True for exactly one of several attempts."""
        used = (
            update(OneTimeLink)
            .where(
                col(OneTimeLink.digest) == _digest(token),
                col(OneTimeLink.used_at).is_(None),
                col(OneTimeLink.expires_at) > now,
            )
            .values(used_at=now)
        )
        with Session(self._engine) as session:
            count = session.connection().execute(used).rowcount
            session.commit()
        return count == 1


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
