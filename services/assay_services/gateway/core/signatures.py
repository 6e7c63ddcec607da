"""Verify signatures over the raw bytes in constant time; several secrets may be valid at once."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, TypeAlias
from urllib.parse import parse_qs

from assay_services.gateway.core.decode_result import PlatformDelivery

TOLERANCE_SECONDS = 300
"""A signed time that differs from now by more than this is stale."""
_LONGEST_NUMBER = 20
_TOLOKA_PART = re.compile(r"\b(v|ts|sign)\s*=\s*([0-9a-zA-Z.]+)")
_SCHEMES_OF_AUTHORIZATION = ("Bearer ", "Token ", "Basic ")


@dataclass(frozen=True, slots=True)
class StaticHeader:
    """A plain secret in a header. Without a header name, any header may carry it: possession proves the sender."""

    header: str | None = None


@dataclass(frozen=True, slots=True)
class HmacHex:
    """A hexadecimal HMAC of the body, with or without the prefix `sha256=` or `sha1=`."""

    algorithm: Literal["sha256", "sha1"]
    header: str


@dataclass(frozen=True, slots=True)
class StandardWebhooks:
    """Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp` and any number of `v1,…` in `webhook-signature`."""


@dataclass(frozen=True, slots=True)
class TolokaSignature:
    """`Toloka-Signature: {v=1, ts=<ms>, sign=<hex>}`, an HMAC-SHA256 of `ts.v.body`."""

    header: str = "toloka-signature"


@dataclass(frozen=True, slots=True)
class AppenSignature:
    """`signature` = SHA1(payload + token) beside `payload`, in the form that is the body. It signs no time."""


Scheme: TypeAlias = StaticHeader | HmacHex | StandardWebhooks | TolokaSignature | AppenSignature


@dataclass(frozen=True, slots=True)
class Verified:
    """One of the secrets made this signature. `secret` is its index in the list, which shows the ones in use."""

    secret: int


@dataclass(frozen=True, slots=True)
class SignatureRefused:
    """No secret made the signature, or it is stale. The reason contains no secret and no part of the delivery."""

    reason: str


Verification: TypeAlias = Verified | SignatureRefused


def in_header(scheme: Scheme, header: str) -> Scheme | None:
    """Return the scheme with another header name, or None if its header is fixed."""
    match scheme:
        case StaticHeader() | HmacHex() | TolokaSignature():
            return replace(scheme, header=header)
        case _:
            return None


def verify(scheme: Scheme, secrets: Sequence[str], delivery: PlatformDelivery, *, now: datetime) -> Verification:
    """Check a delivery's signature against every secret that is valid now."""
    if not any(secrets):
        return SignatureRefused("no secret is configured, so no delivery can be trusted")
    match scheme:
        case StaticHeader():
            return _static(scheme, secrets, delivery)
        case HmacHex():
            return _hmac_hex(scheme, secrets, delivery)
        case StandardWebhooks():
            return _standard(secrets, delivery, now)
        case TolokaSignature():
            return _toloka(scheme, secrets, delivery, now)
    return _appen(secrets, delivery)


def _static(scheme: StaticHeader, secrets: Sequence[str], delivery: PlatformDelivery) -> Verification:
    values, otherwise = list(delivery.headers.values()), "no header carries a valid secret"
    if scheme.header is not None:
        if scheme.header.lower() not in delivery.headers:
            return SignatureRefused(f"the header {scheme.header} is missing")
        values, otherwise = [delivery.headers[scheme.header.lower()]], f"the header {scheme.header} has no valid secret"
    given = [_bytes(form) for value in values for form in _forms(value)]
    return _first(secrets, lambda secret: _same_as_any(secret, given), otherwise=otherwise)


def _forms(value: str) -> Iterator[str]:
    """Yield a header's value as it is, and without a prefix such as `Bearer` in `Authorization`."""
    yield value.strip()
    for word in _SCHEMES_OF_AUTHORIZATION:
        if value[: len(word)].lower() == word.lower():
            yield value[len(word) :].strip()


def _hmac_hex(scheme: HmacHex, secrets: Sequence[str], delivery: PlatformDelivery) -> Verification:
    value = delivery.headers.get(scheme.header.lower())
    if value is None:
        return SignatureRefused(f"the header {scheme.header} is missing")
    given = _bytes(value.strip().lower().removeprefix(f"{scheme.algorithm}="))
    return _first(
        secrets,
        lambda secret: _same_hex(hmac.new(secret, delivery.raw, scheme.algorithm).hexdigest(), given),
        otherwise=f"the signature in {scheme.header} is not of this body and one of the secrets",
    )


def _standard(secrets: Sequence[str], delivery: PlatformDelivery, now: datetime) -> Verification:
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    missing = [name for name in names if name not in delivery.headers]
    if missing:
        return SignatureRefused(f"the header {missing[0]} is missing")
    message_id, time, signatures = (delivery.headers[name] for name in names)
    stale = _stale(_whole(time), now)
    if stale is not None:
        return stale
    signed = _bytes(f"{message_id}.{time.strip()}.") + delivery.raw
    given = [_base64(part[3:]) for part in signatures.split() if part.startswith("v1,")]

    def made_by(secret: bytes) -> bool:
        key = _base64(secret.decode(errors="replace").removeprefix("whsec_"))
        made = hmac.new(key or b"", signed, "sha256").digest()
        return _same_as_any(made, [one or b"" for one in given]) and bool(key)

    otherwise = "no signature in webhook-signature is of this body and one of the secrets"
    return _first(secrets, made_by, otherwise=otherwise)


def _toloka(scheme: TolokaSignature, secrets: Sequence[str], delivery: PlatformDelivery, now: datetime) -> Verification:
    value = delivery.headers.get(scheme.header.lower())
    if value is None:
        return SignatureRefused(f"the header {scheme.header} is missing")
    parts = dict(_TOLOKA_PART.findall(value))
    if set(parts) != {"v", "ts", "sign"}:
        return SignatureRefused(f"the header {scheme.header} is not written as {{v=1, ts=…, sign=…}}")
    milliseconds = _whole(parts["ts"])
    stale = _stale(None if milliseconds is None else milliseconds / 1_000, now)
    if stale is not None:
        return stale
    signed = f"{parts['ts']}.{parts['v']}.".encode() + delivery.raw
    given = parts["sign"].lower().encode()
    return _first(
        secrets,
        lambda secret: _same_hex(hmac.new(secret, signed, "sha256").hexdigest(), given),
        otherwise=f"the signature in {scheme.header} is not of this body and one of the secrets",
    )


def _appen(secrets: Sequence[str], delivery: PlatformDelivery) -> Verification:
    form = read_form(delivery.raw)
    if "payload" not in form or "signature" not in form:
        return SignatureRefused("the form has no payload and signature")
    payload, given = _bytes(form["payload"]), _bytes(form["signature"].strip().lower())
    return _first(
        secrets,
        # SHA-1 is the platform's choice; HTTPS has to make up for it.
        lambda secret: _same_hex(hashlib.sha1(payload + secret).hexdigest(), given),  # noqa: S324
        otherwise="the form's signature is not of its payload and one of the secrets",
    )


def read_form(raw: bytes) -> dict[str, str]:
    """Return the fields of a form body, the first of repeated ones; an empty dict if it is not a form."""
    try:
        found = parse_qs(raw.decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def _first(secrets: Sequence[str], made_by: Callable[[bytes], bool], *, otherwise: str) -> Verification:
    """Try every secret even after a match: the duration must not reveal which one matched."""
    fits = [bool(secret) and made_by(_bytes(secret)) for secret in secrets]
    return Verified(fits.index(True)) if True in fits else SignatureRefused(otherwise)


def _bytes(value: str) -> bytes:
    return value.encode(errors="surrogatepass")


def _same_as_any(made: bytes, given: Sequence[bytes]) -> bool:
    """Compare with all of them even after a match."""
    return True in [hmac.compare_digest(made, one) for one in given]


def _same_hex(made: str, given: bytes) -> bool:
    return hmac.compare_digest(made.encode(), given)


def _base64(value: str) -> bytes | None:
    """Decode base64, also without padding; return None if it is invalid."""
    try:
        return base64.b64decode(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _whole(value: str) -> int | None:
    digits = value.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER else None


def _stale(seconds: float | None, now: datetime) -> SignatureRefused | None:
    if seconds is None:
        return SignatureRefused("the signed time is no number")
    away = abs(now.astimezone(UTC).timestamp() - seconds)
    if away <= TOLERANCE_SECONDS:
        return None
    return SignatureRefused(
        f"the signed time is {away:.0f} s away from now; at most {TOLERANCE_SECONDS} s are allowed: stale"
    )
