"""Signs deliveries as the platforms do."""

import base64
import hashlib
import hmac
import json
from datetime import datetime

from assay_services.gateway.core.decode_result import PlatformDelivery
from assay_services.gateway.core.signatures import (
    AppenSignature,
    HmacHex,
    Scheme,
    StandardWebhooks,
    StaticHeader,
    TolokaSignature,
)
from tests.services.gateway.payloads import appen_form

SECRET = base64.b64encode(b"0123456789abcdef" * 4).decode()
"""Good for every scheme; as Argilla gives it: base64 of 64 bytes, without `whsec_`."""


def signed(scheme: Scheme, raw: bytes, *, secret: str = SECRET, now: datetime, **headers: str) -> PlatformDelivery:
    """Return a delivery as a platform with this scheme would send it."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    match scheme:
        case StaticHeader():
            return PlatformDelivery(raw, {scheme.header or "x-our-secret": secret} | more)
        case HmacHex():
            return PlatformDelivery(
                raw, {scheme.header: f"{scheme.algorithm}={_hmac(secret, raw, scheme.algorithm)}"} | more
            )
        case StandardWebhooks():
            return PlatformDelivery(raw, standard_headers(raw, secret, now) | more)
        case TolokaSignature():
            milliseconds = int(now.timestamp() * 1_000)
            sign = _hmac(secret, f"{milliseconds}.1.".encode() + raw, "sha256")
            return PlatformDelivery(raw, {scheme.header: f"{{v=1, ts={milliseconds}, sign={sign}}}"} | more)
        case AppenSignature():
            payload = {"id": 1, "results": {"judgments": []}}
            sign = hashlib.sha1(json.dumps(payload).encode() + secret.encode()).hexdigest()  # noqa: S324  # theirs
            return PlatformDelivery(appen_form("unit_complete", payload, sign), more)


def standard_headers(raw: bytes, secret: str, now: datetime) -> dict[str, str]:
    time = str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = base64.b64encode(hmac.new(key, f"msg_1.{time}.".encode() + raw, "sha256").digest()).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": time, "webhook-signature": f"v1,{made}"}


def _hmac(secret: str, message: bytes, algorithm: str) -> str:
    return hmac.new(secret.encode(), message, algorithm).hexdigest()
