"""API keys: let in by their secret and their scope, kept as digests."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from assay_services.engine.settings import RuntimeSettings
from assay_services.stores.control.api_keys import ApiKeyStore, NoSuchKeyError, Refusal
from assay_services.stores.control.database import ControlSettings, open_control
from assay_services.stores.control.tables.connections_and_keys import ApiKey, Scope
from assay_services.stores.control.vault import Vault, WrongSecretKeyError

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def control(offline: ControlSettings) -> Engine:
    return open_control(offline)


@pytest.fixture
def keys(control: Engine) -> ApiKeyStore:
    return ApiKeyStore(control)


def test_a_key_is_let_in_for_its_scope_and_not_for_another(keys: ApiKeyStore) -> None:
    made, text = keys.create("importer", [Scope.WRITE], now=NOW)

    let_in, refused = keys.check(f"Bearer {text}", Scope.WRITE), keys.check(f"Bearer {text}", Scope.REVIEW)

    assert isinstance(let_in, ApiKey)
    assert let_in.id == made.id
    assert isinstance(refused, Refusal)
    assert refused.status == 403


def test_an_admin_may_do_everything(keys: ApiKeyStore) -> None:
    _, text = keys.create("chief", [Scope.ADMIN], now=NOW)

    assert all(isinstance(keys.check(f"bearer {text}", scope), ApiKey) for scope in Scope)


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer x", "Bearer assay_1", "Bearer assay__", "Basic assay_a_b", "Bearer assay_a_b\ud800"],
)
def test_what_is_no_key_is_refused(keys: ApiKeyStore, given: str | None) -> None:
    found = keys.check(given, Scope.READ)

    assert isinstance(found, Refusal)
    assert found.status == 401


def test_the_right_id_with_another_secret_is_refused(keys: ApiKeyStore) -> None:
    _, text = keys.create("importer", [Scope.WRITE], now=NOW)

    found = keys.check(f"Bearer {text[:-1]}", Scope.WRITE)

    assert isinstance(found, Refusal)
    assert found.status == 401


def test_a_revoked_key_is_refused_and_its_revocation_keeps_its_first_time(keys: ApiKeyStore) -> None:
    made, text = keys.create("importer", [Scope.WRITE], now=NOW)
    keys.check(f"Bearer {text}", Scope.WRITE)

    keys.revoke(made.id, now=NOW)
    again = keys.revoke(made.id, now=datetime(2027, 1, 1, tzinfo=UTC))

    assert isinstance(keys.check(f"Bearer {text}", Scope.WRITE), Refusal)
    assert again.revoked_at == NOW


def test_a_key_revoked_by_somebody_else_is_refused_after_two_seconds(control: Engine) -> None:
    clock = [0.0]
    here, elsewhere = ApiKeyStore(control, clock=lambda: clock[0]), ApiKeyStore(control)
    made, text = here.create("importer", [Scope.WRITE], now=NOW)
    here.check(f"Bearer {text}", Scope.WRITE)
    elsewhere.revoke(made.id, now=NOW)

    clock[0] = 2.1

    assert isinstance(here.check(f"Bearer {text}", Scope.WRITE), Refusal)


def test_revoking_what_is_not_there_says_so(keys: ApiKeyStore) -> None:
    with pytest.raises(NoSuchKeyError, match="no key has the id 'x'"):
        keys.revoke("x", now=NOW)


def test_use_is_noted_and_no_secret_is_stored(keys: ApiKeyStore, control: Engine) -> None:
    _, text = keys.create("importer", [Scope.WRITE], now=NOW)

    keys.check(f"Bearer {text}", Scope.WRITE)

    stored = keys.all()[0]
    assert stored.last_used_at is not None
    with Session(control) as session:
        assert text.split("_", 2)[2] not in repr(session.exec(select(ApiKey)).all())


def test_a_vault_opens_what_it_locked_and_says_so_where_another_did(offline: ControlSettings) -> None:
    vault = Vault(offline)
    other = Vault(offline.model_copy(update={"folder": offline.folder / "other"}))

    locked = vault.encrypt("secret")

    assert "secret" not in locked
    assert Vault(offline).decrypt(locked) == "secret"
    assert (offline.folder / "control.key").stat().st_mode & 0o077 == 0
    with pytest.raises(WrongSecretKeyError, match="ASSAY_SECRET_KEY"):
        other.decrypt(locked)


def test_the_settings_hide_what_they_are_given() -> None:
    settings = ControlSettings(secret_key="k-e-y", control="sqlite:///x-y-z", _env_file=None)

    assert "k-e-y" not in repr(settings)
    assert "x-y-z" not in repr(settings)
    assert isinstance(settings, RuntimeSettings)
