"""Signatures: right, wrong, stale, damaged, rotated; for every scheme, and for every platform's own."""

from datetime import timedelta

import pytest

from assay_services.gateway.core.decode_result import PlatformDelivery
from assay_services.gateway.core.platforms.registry import PLATFORMS
from assay_services.gateway.core.signatures import (
    AppenSignature,
    HmacHex,
    Scheme,
    SignatureRefused,
    StandardWebhooks,
    StaticHeader,
    TolokaSignature,
    Verified,
    in_header,
    read_form,
    verify,
)
from tests.services.gateway.signed_deliveries import SECRET, signed, standard_headers
from tests.support.builders import NOW

RAW = b'{"type": "ping"}'
SCHEMES: list[Scheme] = [
    StaticHeader(),
    StaticHeader("X-Our-Secret"),
    HmacHex("sha256", "x-signature-256"),
    HmacHex("sha1", "x-hub-signature"),
    StandardWebhooks(),
    TolokaSignature(),
    AppenSignature(),
]
TIMED: list[Scheme] = [StandardWebhooks(), TolokaSignature()]
OTHER = "b3RoZXItc2VjcmV0"


def reason_of(scheme: Scheme, delivery: PlatformDelivery, *secrets: str) -> str:
    verdict = verify(scheme, secrets or (SECRET,), delivery, now=NOW)
    assert isinstance(verdict, SignatureRefused)
    return verdict.reason


@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
def test_a_signed_delivery_is_verified_and_any_of_several_secrets_may_have_signed_it(scheme: Scheme) -> None:
    if scheme == StaticHeader("X-Our-Secret"):
        delivery = PlatformDelivery(RAW, {"x-our-secret": SECRET})
    else:
        delivery = signed(scheme, RAW, now=NOW)

    assert verify(scheme, [SECRET], delivery, now=NOW) == Verified(0)
    assert verify(scheme, [OTHER, SECRET], delivery, now=NOW) == Verified(1)


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)
def test_every_platform_refuses_a_wrong_secret_and_none(platform: object) -> None:
    scheme = PLATFORMS[getattr(platform, "name", "")].scheme
    delivery = signed(scheme, RAW, now=NOW)

    assert isinstance(verify(scheme, [SECRET], delivery, now=NOW), Verified)
    for secrets in ([], [""], [OTHER]):
        verdict = verify(scheme, secrets, delivery, now=NOW)

        assert isinstance(verdict, SignatureRefused)
        assert SECRET not in verdict.reason
        assert OTHER not in verdict.reason


@pytest.mark.parametrize("scheme", SCHEMES[2:], ids=repr)
def test_a_body_cut_short_is_refused(scheme: Scheme) -> None:
    delivery = signed(scheme, RAW, now=NOW)

    assert reason_of(scheme, PlatformDelivery(delivery.raw[:-3], delivery.headers))


@pytest.mark.parametrize("scheme", TIMED, ids=repr)
@pytest.mark.parametrize(("seconds", "fresh"), [(-299, True), (299, True), (-301, False), (301, False)])
def test_a_signed_time_may_be_five_minutes_away(scheme: Scheme, seconds: int, fresh: bool) -> None:  # noqa: FBT001  # a parameter
    delivery = signed(scheme, RAW, now=NOW + timedelta(seconds=seconds))

    verdict = verify(scheme, [SECRET], delivery, now=NOW)

    assert isinstance(verdict, Verified) is fresh
    assert fresh or "stale" in reason_of(scheme, delivery)


def test_a_header_without_its_name_before_the_digits_is_good_too() -> None:
    scheme = HmacHex("sha256", "x-signature-256")
    headers = signed(scheme, RAW, now=NOW).headers
    bare = {name: value.removeprefix("sha256=").upper() for name, value in headers.items()}

    assert verify(scheme, [SECRET], PlatformDelivery(RAW, bare), now=NOW) == Verified(0)


def test_an_authorization_header_may_carry_the_secret_after_its_scheme() -> None:
    for value in (f"Bearer {SECRET}", f"token {SECRET}", SECRET):
        delivery = PlatformDelivery(RAW, {"user-agent": "x", "authorization": value})

        assert verify(StaticHeader(), [SECRET], delivery, now=NOW) == Verified(0)


def test_a_secret_in_another_header_than_the_named_one_does_not_count() -> None:
    delivery = PlatformDelivery(RAW, {"x-other": SECRET})

    assert reason_of(StaticHeader("X-Our-Secret"), delivery) == "the header X-Our-Secret is missing"
    assert "no valid secret" in reason_of(StaticHeader("X-Other"), delivery, OTHER)


def test_standard_webhooks_takes_several_signatures_and_a_prefixed_secret() -> None:
    headers = standard_headers(RAW, SECRET, NOW)
    headers["webhook-signature"] = f"v1a,xx v1,bm9wZQ== v1,*** {headers['webhook-signature']}"

    assert verify(StandardWebhooks(), [f"whsec_{SECRET}"], PlatformDelivery(RAW, headers), now=NOW) == Verified(0)
    assert verify(StandardWebhooks(), [SECRET.rstrip("=")], PlatformDelivery(RAW, headers), now=NOW) == Verified(0)


def test_a_secret_that_is_no_base64_verifies_nothing() -> None:
    assert "no signature" in reason_of(
        StandardWebhooks(), PlatformDelivery(RAW, standard_headers(RAW, SECRET, NOW)), "not base64!"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"webhook-id": "msg_2"}, "no signature"),
        ({"webhook-timestamp": "soon"}, "no number"),
        ({"webhook-timestamp": "1" * 5_000}, "no number"),
        ({"webhook-timestamp": "-1"}, "no number"),
        ({"webhook-timestamp": "٣"}, "no number"),
        ({"webhook-signature": ""}, "no signature"),
        ({"webhook-signature": "v1,\ud800 \r\nX: y"}, "no signature"),
    ],
)
def test_a_damaged_header_of_standard_webhooks_is_refused(change: dict[str, str], reason: str) -> None:
    headers = standard_headers(RAW, SECRET, NOW)

    assert reason in reason_of(StandardWebhooks(), PlatformDelivery(RAW, headers | change))
    for missing in headers:
        assert "is missing" in reason_of(
            StandardWebhooks(),
            PlatformDelivery(RAW, {name: value for name, value in headers.items() if name != missing}),
        )


@pytest.mark.parametrize(
    "form", ["{{v=1,ts={ts},sign={sign}}}", " v = 1 ; ts={ts} ;sign={sign}", "{{sign={sign}, ts={ts}, v=1}}"]
)
def test_tolokas_header_may_be_spaced_as_it_likes(form: str) -> None:
    written = signed(TolokaSignature(), RAW, now=NOW).headers["toloka-signature"]
    ts, sign = written.partition("ts=")[2].partition(",")[0], written.partition("sign=")[2].rstrip("}")

    delivery = PlatformDelivery(RAW, {"toloka-signature": form.format(ts=ts, sign=sign)})

    assert verify(TolokaSignature(), [SECRET], delivery, now=NOW) == Verified(0)


@pytest.mark.parametrize("value", ["", "{v=1}", "{v=1, ts=x, sign=y}", "{v=1, ts=1, sign=}", "sign=ab, ts=\ud800, v=1"])
def test_a_damaged_header_of_toloka_is_refused(value: str) -> None:
    assert reason_of(TolokaSignature(), PlatformDelivery(RAW, {"toloka-signature": value}))
    assert "missing" in reason_of(TolokaSignature(), PlatformDelivery(RAW))


@pytest.mark.parametrize("raw", [b"", b"{}", b"payload=1", b"signature=1", b"\xff=1", b"&" * 300 + b"a=1" * 300])
def test_a_body_that_is_no_signed_form_is_refused(raw: bytes) -> None:
    assert "no payload and signature" in reason_of(AppenSignature(), PlatformDelivery(raw))


def test_of_a_repeated_field_the_first_counts_for_the_signature_and_for_reading() -> None:
    assert read_form(b"signal=a&payload=1&payload=2&signal=b") == {"signal": "a", "payload": "1"}
    assert read_form(b"&".join([b"a=1"] * 200)) == {}


def test_a_missing_header_is_named() -> None:
    assert (
        reason_of(HmacHex("sha1", "x-hub-signature"), PlatformDelivery(RAW)) == "the header x-hub-signature is missing"
    )


def test_only_some_headers_are_to_be_chosen() -> None:
    assert in_header(StaticHeader(), "x") == StaticHeader("x")
    assert in_header(HmacHex("sha1", "y"), "x") == HmacHex("sha1", "x")
    assert in_header(TolokaSignature(), "x") == TolokaSignature("x")
    assert in_header(StandardWebhooks(), "x") is None
    assert in_header(AppenSignature(), "x") is None
