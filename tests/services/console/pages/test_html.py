"""Whatever comes from data is inert, isolated, and cut where it is long."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from assay_services.console.pages.annotators import sort_lines
from assay_services.console.pages.html import bar, interval, link, plain, table, tag, text_or_dash, whole
from assay_services.stores.archive.queries.annotators import AnnotatorLine
from assay_services.stores.archive.queries.projects import contract_changes


class Tags(HTMLParser):
    """Collect the elements of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(name.startswith("on") for name, _ in attrs)
        self.names.append(tag)


@given(st.text())
def test_no_text_makes_an_element_or_an_attribute_of_its_own(text: str) -> None:
    made = (text_or_dash(text), whole(text), link("/item", text_or_dash(text), item=text), tag("p", text, title=text))

    allowed = {"bdi", "span", "div", "details", "summary", "a", "p"}
    assert set(Tags("".join(made)).names) <= allowed
    assert set(Tags(table(text, [text], [[text]]) + bar([(text, 0.5, "c0")], label=text)).names) <= allowed | {
        "table", "caption", "thead", "tbody", "tr", "th", "td", "ul", "li", "i", "b",
    }  # fmt: skip


def test_marks_that_turn_the_direction_of_reading_are_spelt_out() -> None:
    assert plain("abc\u202etxt.exe\u2066") == "abc⟦U+202E⟧txt.exe⟦U+2066⟧"


def test_a_long_text_is_cut_and_can_be_seen_whole() -> None:
    text = "x" * 100_000

    assert len(text_or_dash(text)) < 400
    assert "99,840 more characters" in text_or_dash(text)
    assert "Show all 100,000 characters" in whole(text)


def test_a_number_comes_with_its_interval_and_n() -> None:
    assert "0.57" in interval(0.571, 0.54, 0.6, 1332)
    assert "(0.54 to 0.60), n 1,332" in interval(0.571, 0.54, 0.6, 1332)
    assert "not defined, n 0" in interval(None, None, None, 0)


def test_of_what_nothing_is_known_comes_last_whichever_way_one_sorts() -> None:
    def line(name: str, accuracy: float | None) -> AnnotatorLine:
        return AnnotatorLine(name, 1, 0, accuracy, None, None, None, None, None, None, None, None, None, [])

    lines = [line("a", None), line("b", 0.5), line("c", 0.9)]

    assert [one.annotator for one in sort_lines(lines, "accuracy", is_down=False)] == ["b", "c", "a"]
    assert [one.annotator for one in sort_lines(lines, "accuracy", is_down=True)] == ["c", "b", "a"]


def test_a_contracts_change_is_said_in_plain_words() -> None:
    before = {"version": 1, "redundancy": 3, "rules": [{"id": "too-fast", "below": 1.0}], "label": {"values": ["a"]}}
    after = {"version": 2, "redundancy": 5, "rules": [{"id": "no-text", "when": "x"}], "label": {"values": ["a", "b"]}}

    assert list(contract_changes(before, after)) == [
        "label.values: a became a, b",
        "redundancy: 3 became 5",
        "rules no-text.when: x added",
        "rules too-fast.below: 1.0 removed",
    ]
    assert list(contract_changes(None, before)) == ["first version"]
    assert list(contract_changes(before, None)) == ["withdrawn"]
