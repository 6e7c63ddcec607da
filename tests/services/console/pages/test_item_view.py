"""What is judged, as people see it: whole, and whatever it contains, inert."""

from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay_schemas.annotation import Box, Span
from assay_services.console.pages import item_view
from assay_services.stores.archive.queries.items import ItemView

TEXT = "You have won a prize"
HOSTILE = '"><script>alert(1)</script>\u202e'
PHOTO = {"uri": "https://example.org/a.jpg", "width": 640, "height": 480}
CAR = Box(x=10.0, y=20.0, width=300.5, height=40.0, label="car")


class Read(HTMLParser):
    """Elements with their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag == name]


def an_item(**changes: Any) -> ItemView:  # noqa: ANN401  # its fields
    plain: dict[str, Any] = {
        "item": "i-1", "text": TEXT, "media": None, "gold": None, "attributes": {},
        "seen_at": datetime(2026, 11, 24, 12, tzinfo=UTC), "now": None, "probabilities": {}, "votes": (),
        "history": (), "corrections": (), "review_priority": None,
    }  # fmt: skip
    return ItemView(**plain | changes)


def pieces(text: str, *spans: Span) -> list[str]:
    """Return the marked pieces with their names, as they are read."""
    shown = item_view.marked(text, spans)
    return [unescape(Read(one).text) for one in shown.split("<mark>")[1:] for one in [one.split("</mark>")[0]]]


def test_a_stretch_is_marked_and_named() -> None:
    assert pieces(TEXT, Span(start=4, end=12, label="claim")) == ["have wonclaim"]


def test_where_stretches_overlap_all_names_stand() -> None:
    found = pieces(TEXT, Span(start=0, end=8, label="a"), Span(start=4, end=12, label="b"))

    assert found == ["You a", "havea, b", " wonb"]


@pytest.mark.parametrize(
    ("span", "marked"),
    [
        (Span(start=15, end=99, label="late"), ["prizelate"]),
        (Span(start=-9, end=3, label="early"), ["Youearly"]),
        (Span(start=99, end=120, label="beyond"), []),
        (Span(start=8, end=4, label="turned"), []),
        (Span(start=4, end=4, label="empty"), []),
    ],
)
def test_what_lies_outside_the_text_marks_only_what_is_there(span: Span, marked: list[str]) -> None:
    assert pieces(TEXT, span) == marked
    assert Read(item_view.marked(TEXT, [span])).text.startswith("You")


def test_offsets_count_characters_whatever_their_size_in_bytes() -> None:
    assert pieces("👍🏽 ok", Span(start=3, end=5, label="word")) == ["okword"]


def test_a_long_text_is_cut_and_says_so() -> None:
    shown = Read(item_view.marked("w" * 20_500, [Span(start=20_200, end=20_300, label="late")]))

    assert shown.text == "w" * 20_000 + " … 500 more characters"


@given(
    st.text(), st.lists(st.builds(Span, start=st.integers(-5, 40), end=st.integers(-5, 40), label=st.text(max_size=9)))
)
def test_no_text_and_no_name_of_a_stretch_is_more_than_text(text: str, spans: list[Span]) -> None:
    shown = Read(item_view.marked(text, spans))

    assert {name for name, _ in shown.found} <= {"div", "bdi", "mark", "sub", "span"}
    assert all(set(attributes) <= {"class"} for _, attributes in shown.found)


def test_boxes_are_drawn_over_an_image_of_known_size_and_listed() -> None:
    shown = Read(item_view.answer([CAR, CAR], an_item(media=PHOTO)))

    assert shown.all("svg")[0]["viewbox"] == "0 0 640 480"
    first, second = shown.all("rect")
    assert first == {"class": "box s0", "x": "10.0", "y": "20.0", "width": "300.5", "height": "40.0"}
    assert second["class"] == "box s1"
    assert shown.text.count("car at 10, 20, 300.5 wide, 40 high") == 2


def test_boxes_on_an_image_without_a_size_are_listed_only() -> None:
    shown = Read(item_view.answer([CAR], an_item(media={"uri": PHOTO["uri"], "width": None, "height": None})))

    assert (len(shown.all("img")), shown.all("rect"), len(shown.all("li"))) == (1, [], 1)


def test_boxes_of_an_item_without_an_image_are_listed() -> None:
    assert [name for name, _ in Read(item_view.answer([CAR], an_item())).found] == ["ol", "li", "bdi"]


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "data:image/svg+xml,<svg onload=alert(1)>",
        "file:///etc/passwd",
        "//example.org/a.jpg",
        "http://[",
        "",
        HOSTILE,
    ],
)
def test_an_address_that_is_none_of_the_web_is_only_text(address: str) -> None:
    shown = Read(item_view.item(an_item(media={"uri": address}), is_pair=False))

    assert {name for name, _ in shown.found} <= {"div", "p", "bdi"}


def test_an_address_cannot_leave_its_attribute_and_tells_the_host_nothing() -> None:
    address = "https://example.org/" + HOSTILE

    shown = Read(item_view.item(an_item(media={"uri": address}), is_pair=False))

    (image,) = shown.all("img")
    assert (image["src"], image["referrerpolicy"]) == (address, "no-referrer")
    assert shown.all("script") == []


def test_two_answers_stand_side_by_side() -> None:
    shown = Read(item_view.item(an_item(attributes={"left": HOSTILE, "right": "short"}), is_pair=True))

    assert [one["class"] for one in shown.all("section")] == ["card side", "card side"]
    assert shown.text.startswith(TEXT + "left")
    assert shown.text.endswith("rightshort")
    assert shown.all("script") == []


def test_a_pair_that_lacks_a_side_is_shown_by_its_text() -> None:
    assert Read(item_view.item(an_item(attributes={"left": "only"}), is_pair=True)).text == TEXT


def test_an_item_with_nothing_to_see_says_so() -> None:
    shown = item_view.item(an_item(text=None), is_pair=False)

    assert "only an id" in shown


@pytest.mark.parametrize(
    ("label", "text"),
    [(["spam", HOSTILE], 'spam, "><script>alert(1)</script>⟦U+202E⟧'), ([], "nothing marked"), (4, "4")],
)
def test_other_labels_are_text(label: Any, text: str) -> None:  # noqa: ANN401  # any kind
    assert Read(item_view.answer(label, an_item())).text == text
