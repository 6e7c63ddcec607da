"""The secret key: made whole or not at all, for its owner only, and never a key that everybody knows."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from assay_services.stores.control.database import ControlSettings
from assay_services.stores.control.vault import BadSecretKeyError, Vault


def settings(folder: Path, key: str | None = None) -> ControlSettings:
    secret = None if key is None else SecretStr(key)
    return ControlSettings(folder=folder, secret_key=secret, _env_file=None)


@pytest.mark.parametrize("left", ["", " \n", "short"])
def test_a_file_without_a_key_is_refused_with_what_to_do(tmp_path: Path, left: str) -> None:
    (tmp_path / "control.key").write_text(left)

    with pytest.raises(BadSecretKeyError, match="set ASSAY_SECRET_KEY; if nothing was encrypted yet, delete"):
        Vault(settings(tmp_path))


def test_a_full_disk_leaves_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        Vault(settings(tmp_path))

    assert list(tmp_path.iterdir()) == []


def test_first_starts_at_once_have_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: Vault(settings(tmp_path)).derive("a"), range(32)))

    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["control.key"]


def test_the_key_is_for_its_owner_only(tmp_path: Path) -> None:
    Vault(settings(tmp_path))
    path = tmp_path / "control.key"
    path.chmod(0o644)

    Vault(settings(tmp_path))

    assert path.stat().st_mode & 0o777 == 0o600


def test_an_empty_key_in_the_settings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSecretKeyError, match="ASSAY_SECRET_KEY is empty"):
        Vault(settings(tmp_path, ""))
