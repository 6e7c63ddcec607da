"""Users in the control database: create, find, lock after too many failures, disable."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count

from sqlalchemy import Engine, delete
from sqlmodel import Session, col, select

from assay_schemas.errors import AssayUserError
from assay_services.stores.control.passwords import digest_of, is_right
from assay_services.stores.control.tables.accounts import Role, User, WebSession

_LOCKED_AFTER = 5
_FIRST_LOCK = timedelta(seconds=30)
_LONGEST_LOCK = timedelta(hours=1)
_LONGEST_NAME = 100


class UserError(AssayUserError):
    """An operation on a user that is not possible; the message has the reason."""


def checked_name(name: str) -> str:
    """Return a user's name without spaces at its ends; raise UserError if it is none."""
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise UserError(f"a user's name has 1 to {_LONGEST_NAME} printable characters")
    return name


class UserStore:
    """The users. Every method is a transaction, and blocks."""

    def __init__(self, engine: Engine) -> None:
        """Use the control database `engine`."""
        self._engine = engine

    def add(self, name: str, role: Role, *, now: datetime, password: str | None = None) -> User:
        """Create a user; raise UserError if the name is taken or empty, PasswordTooWeak if the password is too weak."""
        name = checked_name(name)
        digest = None if password is None else digest_of(password)
        with Session(self._engine, expire_on_commit=False) as session:
            if session.get(User, name) is not None:
                raise UserError(f"a user '{name}' exists already; `assay user list` shows all")
            user = User(name=name, role=role, digest=digest, created_at=now)
            session.add(user)
            session.commit()
        return user

    def all(self) -> Sequence[User]:
        """Return every user, by name."""
        with Session(self._engine, expire_on_commit=False) as session:
            return session.exec(select(User).order_by(col(User.name))).all()

    def get(self, name: str) -> User | None:
        """Return a user, or None."""
        with Session(self._engine, expire_on_commit=False) as session:
            return session.get(User, name)

    def authenticate(self, name: str, password: str, *, now: datetime) -> User | None:
        """Return the user with this name and password; None if it is wrong, or the user is disabled or locked.

        Five failures in a row lock the name for 30 s; the lock doubles with each further failure, up to an hour.
        """
        user = self.get(name.strip())
        right = is_right(None if user is None else user.digest, password)
        if user is None or user.disabled or (user.locked_until is not None and now < user.locked_until):
            return None
        with Session(self._engine, expire_on_commit=False) as session:
            found = session.get_one(User, user.name, with_for_update=True)
            if right:
                found.failures, found.locked_until, found.last_seen_at = 0, None, now
            else:
                found.failures += 1
                found.locked_until = _locked_until(found.failures, now)
            session.add(found)
            session.commit()
        return found if right else None

    def come_by_provider(self, subject: str, name: str, role: Role, *, now: datetime) -> User | None:
        """Return the user whom an OpenID provider knows as `subject`, created if new; None if disabled.

        A new user never gets the name of an existing one: a provider vouches only for its own users.
        """
        with Session(self._engine, expire_on_commit=False) as session:
            user = session.exec(select(User).where(col(User.subject) == subject)).first()
            if user is None:
                free = next(one for one in _names(name) if session.get(User, one) is None)
                user = User(name=free, role=role, subject=subject, created_at=now)
            if user.disabled:
                return None
            user.last_seen_at = now
            session.add(user)
            session.commit()
        return user

    def change(
        self, name: str, *, role: Role | None = None, password: str | None = None, disabled: bool | None = None
    ) -> User:
        """Change a user; sign them out everywhere. Raise UserError if they do not exist or no admin would be left."""
        digest = None if password is None else digest_of(password)
        with Session(self._engine, expire_on_commit=False) as session:
            user = session.get(User, name)
            if user is None:
                raise UserError(f"no user is named '{name}'; `assay user list` shows all")
            user.role = role or user.role
            user.disabled = user.disabled if disabled is None else disabled
            if digest is not None:
                user.digest, user.failures, user.locked_until = digest, 0, None
            session.add(user)
            session.flush()
            _check_that_an_admin_is_left(session)
            session.execute(delete(WebSession).where(col(WebSession.user) == name))
            session.commit()
        return user


def _locked_until(failures: int, now: datetime) -> datetime | None:
    if failures < _LOCKED_AFTER:
        return None
    doubled: int = 2 ** min(failures - _LOCKED_AFTER, 10)
    return now + min(_FIRST_LOCK * doubled, _LONGEST_LOCK)


def _names(wanted: str) -> Iterator[str]:
    """Yield names for a new user: the wanted one, then the same with numbers."""
    plain = "".join(one for one in wanted if one.isprintable()).strip()[: _LONGEST_NAME - 10] or "somebody"
    yield plain
    yield from (f"{plain} {number}" for number in count(2))


def _check_that_an_admin_is_left(session: Session) -> None:
    admins = select(User).where(col(User.role) == Role.ADMIN, col(User.disabled).is_(False))
    if session.exec(admins).first() is None:
        raise UserError("then nobody would be an admin; make another one first")
