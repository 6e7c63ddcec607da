"""Whether a subscriber's address can be used, checked when it is given and not when the first alert is due."""

import re
from urllib.parse import urlsplit

from assay_schemas.topics import TOPICS
from assay_services.stores.control.tables.alert_delivery import Channel

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_PLAIN_MAIL = re.compile(r"[^\s@/:]+@[^\s@/:]+")


def address_problem(channel: Channel, address: str, *, prefix: str) -> str | None:
    """Return what is wrong with an address and what is wanted, or None. `prefix` is that of Assay's topics."""
    match channel:
        case Channel.KAFKA:
            return _topic_problem(address, prefix)
        case Channel.EMAIL:
            return _mail_problem(address)
        case Channel.APPRISE:
            return _apprise_problem(address)
        case Channel.WEBHOOK | Channel.SLACK:
            wanted = "a webhook's address is a URL like https://host/path, without a user in it"
            return None if _is_url(address) else wanted


def _topic_problem(topic: str, prefix: str) -> str | None:
    if not _TOPIC.fullmatch(topic) or topic in {".", ".."}:
        return f"'{topic}' cannot be a topic's name: it has 1 to 249 letters, digits, '.', '_' and '-'"
    own = {prefix + one.name for one in TOPICS}
    if topic in own:
        return f"'{topic}' is one of Assay's own topics, which only Assay writes to; name another one"
    return f"'{topic}' is an internal topic of Kafka; name another one" if topic.startswith("__") else None


def _mail_problem(address: str) -> str | None:
    if _PLAIN_MAIL.fullmatch(address):
        user, _, host = address.partition("@")
        return (
            f"'{address}' names no mail server; write it as mailto://USER:PASSWORD@SERVER?to={address}, "
            f"e.g. mailtos://{user}:PASSWORD@{host}?to={address}"
        )
    if not address.startswith(("mailto://", "mailtos://")):
        return "an e-mail address is written as mailto://USER:PASSWORD@SERVER?to=amy@example.com (mailtos:// for TLS)"
    return _apprise_problem(address)


def _apprise_problem(address: str) -> str | None:
    from apprise import Apprise  # noqa: PLC0415  # a large library that only this needs

    scheme = address.partition("://")[0]
    if Apprise.instantiate(address, suppress_exceptions=True) is not None:
        return None
    return f"Apprise knows no service for '{scheme}://…', or the address lacks a part; its form is SERVICE://…"


def _is_url(address: str) -> bool:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
