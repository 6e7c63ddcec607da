"""Who is signed in: sessions kept here, known to the browser by a cookie that nobody can guess; and one-time links."""

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
    """Who looks: a signed-in user, or an API key (`form_token` is None)."""

    name: str
    role: Role
    form_token: str | None = None

    def may(self, role: Role) -> bool:
        """Tell whether they may do what takes this role."""
        return self.role.is_at_least(role)


class Sessions:
    """The sessions and links. Every method is a transaction, and blocks."""

    def __init__(self, engine: Engine, *, lasting: timedelta) -> None:
        """Take the control database, and for how long a session lasts without use."""
        self._engine = engine
        self._lasting = lasting

    def open(self, user: User, *, now: datetime) -> str:
        """Sign a user in; return what the cookie holds."""
        cookie = secrets.token_urlsafe(32)
        made = WebSession(
            digest=_digest(cookie), user=user.name, form_token=secrets.token_urlsafe(32),
            created_at=now, used_at=now, expires_at=now + self._lasting,
        )  # fmt: skip
        with Session(self._engine) as session:
            session.execute(delete(WebSession).where(col(WebSession.expires_at) < now))
            session.add(made)
            session.commit()
        return cookie

    def viewer(self, cookie: str | None, *, now: datetime) -> Viewer | None:
        """Return who is signed in with a cookie; None where nobody is."""
        if not cookie:
            return None
        with Session(self._engine, expire_on_commit=False) as session:
            found = session.get(WebSession, _digest(cookie))
            user = None if found is None else session.get(User, found.user)
            if found is None or user is None or user.disabled or found.expires_at < now:
                return None
            if now - found.used_at > _TOUCH:
                found.used_at, found.expires_at = now, now + self._lasting
                session.add(found)
                session.commit()
            return Viewer(user.name, Role(user.role), found.form_token)

    def close(self, cookie: str | None) -> None:
        """Sign a browser out."""
        with Session(self._engine) as session:
            session.execute(delete(WebSession).where(col(WebSession.digest) == _digest(cookie or "")))
            session.commit()

    def first_link(self, *, now: datetime, lasting: timedelta) -> str | None:
        """Return what a one-time link ends with; None where there is an active admin already.

        Links from before are void: only the newest one printed works.
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
        """Tell whether a link would let somebody in."""
        with Session(self._engine) as session:
            found = session.get(OneTimeLink, _digest(token))
            return found is not None and found.used_at is None and now < found.expires_at

    def use_link(self, token: str, *, now: datetime) -> bool:
        """Use a link up; True for exactly one who tries."""
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
            moved = session.connection().execute(used).rowcount
            session.commit()
        return moved == 1


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
