"""The query API: formats, fields, cursors, entity tags, names, and what is wrong with a request."""

import csv
import io

import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from assay_services.console.dependencies import ConsoleDependencies
from assay_services.stores.control.tables.accounts import Role
from tests.services.console.conftest import HOSTILE, signed_in

ITEMS = "/api/v1/items?project=ads-safety"


def test_lists_come_a_page_at_a_time(service: FastAPI, parts: ConsoleDependencies) -> None:
    browser = signed_in(parts, service, Role.VIEWER)

    first = browser.get(f"{ITEMS}&limit=1").json()
    second = browser.get(f"{ITEMS}&limit=1&after={first['next']}").json()

    assert [one["item"] for one in (*first["data"], *second["data"])] == ["i-204", "i-9"]
    assert second["next"] is None


def test_the_formats_say_the_same(service: FastAPI, parts: ConsoleDependencies) -> None:
    browser = signed_in(parts, service, Role.VIEWER)
    asked = f"{ITEMS}&fields=item,votes"

    as_json = browser.get(asked).json()["data"]
    as_lines = browser.get(asked, headers={"Accept": "application/x-ndjson"}).text.splitlines()
    as_csv = list(csv.DictReader(io.StringIO(browser.get(f"{asked}&format=csv").text)))
    as_parquet = pq.read_table(io.BytesIO(browser.get(f"{asked}&format=parquet").content)).to_pylist()

    assert as_parquet == as_json == [{"item": "i-204", "votes": 2}, {"item": "i-9", "votes": 0}]
    assert len(as_lines) == 2
    assert [one["item"] for one in as_csv] == ["i-204", "i-9"]


def test_a_cell_that_a_spreadsheet_would_take_for_a_formula_is_led_by_an_apostrophe(
    service: FastAPI, parts: ConsoleDependencies
) -> None:
    browser = signed_in(parts, service, Role.LEAD)

    text = browser.get("/api/v1/annotator/votes?project=ads-safety&annotator=a1&format=csv&fields=label").text

    assert f"'{HOSTILE}" in text
    assert f"\n{HOSTILE}" not in text


def test_what_has_not_changed_is_not_sent_again(service: FastAPI, parts: ConsoleDependencies) -> None:
    browser = signed_in(parts, service, Role.VIEWER)
    tag = browser.get(ITEMS).headers["etag"]

    again = browser.get(ITEMS, headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "status", "field"),
    [
        ("/api/v1/items", 422, "project"),
        (f"{ITEMS}&limit=0", 422, "limit"),
        (f"{ITEMS}&after=!!", 422, "after"),
        (f"{ITEMS}&after=WzFd", 422, "after"),
        (f"{ITEMS}&format=xml", 422, "format"),
        (f"{ITEMS}&fields=secret", 422, "fields"),
        ("/api/v1/item?project=ads-safety&item=none", 404, "item"),
        ("/api/v1/annotator?project=ads-safety&annotator=none", 404, "annotator"),
    ],
)
def test_a_problem_names_the_field_and_what_was_expected(
    asked: str, status: int, field: str, service: FastAPI, parts: ConsoleDependencies
) -> None:
    answer = signed_in(parts, service, Role.LEAD).get(asked)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field
    assert answer.json()["expected"]


@pytest.mark.parametrize("asked", ["text=' OR 1=1 --", "item=%25", "label='; DROP TABLE items", "text=%25_!"])
def test_sql_in_a_search_is_only_text(asked: str, service: FastAPI, parts: ConsoleDependencies) -> None:
    browser = signed_in(parts, service, Role.VIEWER)

    assert browser.get(f"{ITEMS}&{asked}").json()["data"] == []
    assert len(browser.get(ITEMS).json()["data"]) == 2


def test_a_viewer_sees_pseudonyms_everywhere_and_finds_by_them(service: FastAPI, parts: ConsoleDependencies) -> None:
    viewer, lead = (signed_in(parts, service, role) for role in (Role.VIEWER, Role.LEAD))
    names = [one["annotator"] for one in lead.get("/api/v1/annotators?project=ads-safety").json()["data"]]

    shown = [one["annotator"] for one in viewer.get("/api/v1/annotators?project=ads-safety").json()["data"]]
    item = viewer.get("/api/v1/item?project=ads-safety&item=i-204")
    found = viewer.get(f"{ITEMS}&annotator={shown[0]}").json()["data"]

    assert names == ["a1", "a2"]
    assert all(one.startswith("annotator ") for one in shown)
    assert not any(name in [vote["annotator"] for vote in item.json()["data"][0]["votes"]] for name in names)
    assert found
    assert viewer.get(f"{ITEMS}&annotator=a1").status_code == 404


def test_the_document_describes_every_route_of_the_api(service: FastAPI, parts: ConsoleDependencies) -> None:
    document = signed_in(parts, service, Role.VIEWER).get("/api/v1/openapi.json").json()

    assert len(document["paths"]) == 18
    assert all(path.startswith("/api/v1/") for path in document["paths"])
