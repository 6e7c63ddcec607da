"""UTF-16 offsets made into code points, against Python's own UTF-16."""

from hypothesis import given
from hypothesis import strategies as st

from assay_services.gateway.core.platforms.span_texts import from_utf16

TEXTS = st.text(st.sampled_from("ab é\u4e2d\U0001f600\U0001f1e9\u200d\ufe0f"), max_size=30)


@given(TEXTS, st.data())
def test_every_offset_lands_on_its_code_point(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))
    units = len(text[:place].encode("utf-16-le")) // 2

    assert from_utf16(text)(units) == place


@given(TEXTS, st.integers(1, 2**60))
def test_offsets_outside_stay_as_far_outside(text: str, away: int) -> None:
    units = len(text.encode("utf-16-le")) // 2

    assert from_utf16(text)(units + away) == len(text) + away
    assert from_utf16(text)(-away) == -away


def test_the_middle_of_a_pair_becomes_its_start() -> None:
    assert [from_utf16("a😀b")(unit) for unit in range(5)] == [0, 1, 1, 2, 3]
