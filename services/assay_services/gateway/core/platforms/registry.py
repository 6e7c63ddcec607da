"""The platforms that the gateway understands: name, signature scheme and decoder of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from assay_services.gateway.core.decode_result import DecodeContext, DecodeResult, PlatformDelivery, Settings
from assay_services.gateway.core.platforms import (
    appen,
    argilla,
    cvat,
    doccano,
    generic,
    ground_truth,
    label_studio,
    labelbox,
    prodigy,
    scale,
    toloka,
)
from assay_services.gateway.core.platforms.field_mapping import SignatureMapping
from assay_services.gateway.core.signatures import (
    AppenSignature,
    HmacHex,
    Scheme,
    StandardWebhooks,
    StaticHeader,
    TolokaSignature,
)

Decoder: TypeAlias = Callable[[PlatformDelivery, DecodeContext], DecodeResult]


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform. `scheme` is its signature scheme; decoding does not depend on it."""

    name: str
    scheme: Scheme
    decode: Decoder
    description: str

    def scheme_for(self, settings: Settings) -> Scheme:
        """Return the signature scheme of a connection: a mapping may define one for its own tool."""
        said = None if settings.mapping is None else settings.mapping.signature
        return self.scheme if said is None else _scheme_of(said)


def _scheme_of(said: SignatureMapping) -> Scheme:
    match said.scheme:
        case "header":
            return StaticHeader(said.header)
        case "standard-webhooks":
            return StandardWebhooks()
    return HmacHex("sha1" if said.scheme == "hmac-sha1" else "sha256", said.header or "")


_ALL = (
    Platform(
        label_studio.NAME,
        StaticHeader(),
        label_studio.decode,
        "webhooks with the whole annotation; a secret in a custom header is all the proof there is",
    ),
    Platform(
        argilla.NAME,
        StandardWebhooks(),
        argilla.decode,
        "webhooks with the response, its record and its user; drafts are sent, too",
    ),
    Platform(
        cvat.NAME,
        HmacHex("sha256", "x-signature-256"),
        cvat.decode,
        "webhooks that only say which job changed; its annotations have to be fetched and compared",
    ),
    Platform(
        labelbox.NAME,
        HmacHex("sha1", "x-hub-signature"),
        labelbox.decode,
        "webhooks about labels; the event stands in a header",
    ),
    Platform(
        toloka.NAME,
        TolokaSignature(),
        toloka.decode,
        "batches of thin events; the assignments have to be fetched",
    ),
    Platform(
        scale.NAME,
        StaticHeader("scale-callback-auth"),
        scale.decode,
        "one callback for each finished task; who did it is not shown",
    ),
    Platform(
        appen.NAME,
        AppenSignature(),
        appen.decode,
        "forms with JSON in the field `payload`: units with their judgments, or judgments alone",
    ),
    Platform(
        prodigy.NAME,
        HmacHex("sha256", "x-assay-signature"),
        prodigy.decode,
        "no webhooks: a small recipe posts the batches of answers (docs/prodigy_shim.py)",
    ),
    Platform(
        doccano.NAME,
        StaticHeader(),
        doccano.decode,
        "no webhooks: polled rows, or lines of an export",
    ),
    Platform(
        ground_truth.NAME,
        StaticHeader(),
        ground_truth.decode,
        "lines of an output manifest, or the same in an SNS notification",
    ),
    Platform(
        generic.NAME,
        StaticHeader(),
        generic.decode,
        "any other tool that sends JSON, by a mapping in YAML (docs/generic-mapping.yaml)",
    ),
)
PLATFORMS: Mapping[str, Platform] = {one.name: one for one in _ALL}
"""The platforms by name."""


def platform_named(name: str) -> Platform | None:
    """Return a platform by name, ignoring case and separators; None if it is unknown."""
    return next((one for one in _ALL if _bare(one.name) == _bare(name)), None)


def _bare(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())
