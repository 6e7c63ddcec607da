"""Every platform that the gateway understands: its name, how it signs, how it is decoded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from services.gateway.outcome import Asked, Delivery, Outcome
from services.gateway.platforms import label_studio
from services.gateway.signatures import Scheme, StaticHeader

Decoder: TypeAlias = Callable[[Delivery, Asked], Outcome]


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform. `scheme` is how it proves who it is; decoding knows nothing of it."""

    name: str
    scheme: Scheme
    decode: Decoder
    description: str


_ALL = (
    Platform(
        label_studio.NAME,
        StaticHeader(),
        label_studio.decode,
        "webhooks with the whole annotation; a secret in a custom header is all the proof there is",
    ),
)
PLATFORMS: Mapping[str, Platform] = {one.name: one for one in _ALL}
"""The platforms by name."""


def platform_named(name: str) -> Platform | None:
    """Return a platform, whatever the case of its name and whatever stands between its words."""
    return next((one for one in _ALL if _bare(one.name) == _bare(name)), None)


def _bare(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())
