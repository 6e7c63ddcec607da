"""Send one message to one subscriber, and return the outcome."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias

import apprise
import httpx
import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from assay_services.alerts.delivery.messages import as_text
from assay_services.alerts.delivery.ssrf_guard import AddressRefused, destination, refuse_private_host
from assay_services.alerts.settings import AlertsSettings
from assay_services.stores.control.subscription_store import SubscriberAddress
from assay_services.stores.control.tables.alert_delivery import Channel

_LONGEST_WAIT_SECONDS = 3_600.0
_GONE = 410
_BUSY = {429, 503}
_SLACK_TEXT = 3_000


@dataclass(frozen=True, slots=True)
class Delivered:
    """The subscriber accepted the message."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The subscriber did not accept the message.

    `retry_after`: seconds after which they asked for a retry; None if they did not. `all_wait`: the failure is not
    about this message, so the other messages wait too. `gone`: the address no longer exists.
    """

    reason: str
    retry_after: float | None = None
    all_wait: bool = False
    gone: bool = False


DeliveryOutcome: TypeAlias = Delivered | Failed


class ChannelSender:
    """Sends through every channel, with one HTTP client that follows no redirects and ignores response bodies."""

    def __init__(self, settings: AlertsSettings, producer: AIOKafkaProducer | None) -> None:
        """Send within the timeout of `settings`; `producer` publishes to Kafka subscribers."""
        self._settings = settings
        self._producer = producer
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            timeout=settings.alerts_send_seconds,
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Close the HTTP client."""
        await self._client.aclose()

    async def send(
        self, channel: Channel, address: SubscriberAddress, message_id: str, body: Mapping[str, Any]
    ) -> DeliveryOutcome:
        """Send one message, within the timeout of the settings."""
        try:
            async with asyncio.timeout(self._settings.alerts_send_seconds):
                match channel:
                    case Channel.WEBHOOK:
                        raw = orjson.dumps(body)
                        return await self._post(address.url, raw, signed(address.secret, message_id, raw))
                    case Channel.SLACK:
                        title, text = as_text(body)
                        raw = orjson.dumps({"text": f"*{title}*\n{text[:_SLACK_TEXT]}"})
                        return await self._post(address.url, raw, {"webhook-id": message_id})
                    case Channel.KAFKA:
                        return await self._publish(address.url, message_id, body)
                    case Channel.EMAIL | Channel.APPRISE:
                        return await self._notify(address.url, body)
        except TimeoutError:
            return Failed(f"no answer within {self._settings.alerts_send_seconds:g} s", all_wait=True)

    async def _post(self, url: str, raw: bytes, headers: Mapping[str, str]) -> DeliveryOutcome:
        try:
            where = await destination(url, allowed=self._settings.allowed_networks)
            request = self._client.build_request(
                "POST",
                where.url,
                content=raw,
                headers={"Host": where.host, "Content-Type": "application/json", "User-Agent": "assay", **headers},
                extensions={"sni_hostname": where.server_name},
            )
            response = await self._client.send(request, stream=True)
            await response.aclose()
        except AddressRefused as error:
            return Failed(str(error), all_wait=True)
        except httpx.TimeoutException:
            return Failed("no answer in time", all_wait=True)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            return Failed(f"cannot be reached: {type(error).__name__}", all_wait=True)
        return judged(response.status_code, response.headers.get("retry-after"), now=datetime.now(UTC))

    async def _publish(self, topic: str, message_id: str, body: Mapping[str, Any]) -> DeliveryOutcome:
        if self._producer is None:
            return Failed("there is no Kafka", all_wait=True)
        headers = [("ce_id", message_id.encode()), ("content-type", b"application/json")]
        try:
            await self._producer.send_and_wait(
                topic, value=orjson.dumps(body), key=message_id.encode(), headers=headers
            )
        except KafkaError as error:
            return Failed(f"Kafka does not take it: {type(error).__name__}", all_wait=True)
        return Delivered()

    async def _notify(self, url: str, body: Mapping[str, Any]) -> DeliveryOutcome:
        title, text = as_text(body)
        asset = apprise.AppriseAsset(app_id="Assay", http_redirects=False, storage_mode="memory")
        made = apprise.Apprise(asset=asset)
        if not made.add(url):
            return Failed("no service that Apprise knows")
        try:
            for service in made:
                for host in {getattr(service, "smtp_host", None), getattr(service, "host", None)} - {None, ""}:
                    await refuse_private_host(str(host), allowed=self._settings.allowed_networks)
            sent = await made.async_notify(title=title, body=text)
        except AddressRefused as error:
            return Failed(str(error), all_wait=True)
        except (TypeError, OSError) as error:
            return Failed(f"Apprise failed: {type(error).__name__}", all_wait=True)
        return Delivered() if sent else Failed("the service did not take it", all_wait=True)


def signed(secret: str, message_id: str, raw: bytes, *, at: int | None = None) -> dict[str, str]:
    """Return the headers of Standard Webhooks 1.0: id, time (s since 1970), and the signature of both and the body."""
    moment = int(datetime.now(UTC).timestamp()) if at is None else at
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = hmac.new(key, f"{message_id}.{moment}.".encode() + raw, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(made).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(moment), "webhook-signature": signature}


def judged(status: int, retry_after: str | None, *, now: datetime) -> DeliveryOutcome:
    """Return the outcome of an HTTP status. Only 2xx counts as delivered; a redirect does not."""
    if httpx.codes.is_success(status):
        return Delivered()
    if status == _GONE:
        return Failed("answered 410: nobody is there any more", gone=True)
    if status in _BUSY:
        return Failed(f"answered {status}", retry_after=_seconds(retry_after, now), all_wait=True)
    moved = " (redirects are not followed)" if httpx.codes.is_redirect(status) else ""
    return Failed(f"answered {status}{moved}", all_wait=httpx.codes.is_server_error(status))


def _seconds(written: str | None, now: datetime) -> float | None:
    """Parse `Retry-After`, which is in seconds or a date, to seconds; return None if it is neither."""
    if written is None:
        return None
    try:
        wanted = float(written) if written.strip().isdigit() else (parsedate_to_datetime(written) - now).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(wanted, 0.0), _LONGEST_WAIT_SECONDS)
