"""Restrict where webhooks are sent: resolve the name once, check the address, and connect to that same address.

A name that is resolved twice could be a public address for the check and a private one for the connection.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit, urlunsplit

from assay_services.alerts.settings import Network

_NAT64 = IPv6Network("64:ff9b::/96")


class AddressRefused(Exception):
    """A URL that is not allowed; the message has the reason, without the URL's path."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to connect: the URL with an address in place of the host name, and the host name for Host and TLS."""

    url: str
    host: str
    server_name: str


async def destination(url: str, *, allowed: Sequence[Network]) -> Destination:
    """Resolve a URL; raise AddressRefused if its address is not public, OSError if its name cannot be resolved."""
    parts = urlsplit(url)
    name = parts.hostname
    if parts.scheme not in {"http", "https"} or name is None:
        raise AddressRefused("only http and https URLs are called")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    addresses = [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    for address in addresses:
        if not may_be_called(address, allowed):
            raise AddressRefused(f"{name} is {address}, which is not public; ASSAY_ALERTS_ALLOW names exceptions")
    return Destination(_with_address(parts, addresses[0], port), parts.netloc.rpartition("@")[2], name)


def may_be_called(address: IPv4Address | IPv6Address, allowed: Sequence[Network]) -> bool:
    """Return whether an address is public or in one of the allowed networks."""
    meant = _inner(address)
    if any(meant.version == network.version and meant in network for network in allowed):
        return True
    return meant.is_global and not meant.is_multicast


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address leads to: mapped, 6to4, Teredo or NAT64; else the address."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = None if address.teredo is None else address.teredo[1]
    return address.ipv4_mapped or address.sixtofour or teredo or address


async def refuse_private_host(name: str, *, allowed: Sequence[Network]) -> None:
    """Raise AddressRefused if a host has an address that is not public, OSError if it cannot be resolved."""
    loop = asyncio.get_running_loop()
    for one in await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP):
        address = ip_address(str(one[4][0]).partition("%")[0])
        if not may_be_called(address, allowed):
            raise AddressRefused(f"{name} is {address}, which is not public; ASSAY_ALERTS_ALLOW names exceptions")


def _with_address(parts: SplitResult, address: IPv4Address | IPv6Address, port: int) -> str:
    host = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004  # IPv6
    return urlunsplit((parts.scheme, f"{host}:{port}", parts.path or "/", parts.query, ""))
