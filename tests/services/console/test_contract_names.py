"""A contract names annotators only to those who may see names."""

from typing import Any

import orjson

from assay_services.stores.archive.queries.projects import contract_changes, with_shown_names

CONTRACT: dict[str, Any] = {
    "project": "kite",
    "rules": [
        {"id": "annotator-allowed", "allow": ["Zanzibar-Allowed"], "deny": ["Zanzibar-Denied"]},
        {"id": "own", "when": "annotator.id == 'Zanzibar-Asked'"},
        {"id": "plain", "when": "label == 'safe'"},
    ],
    "alerts": [
        {"id": "one", "where": {"annotator": "Zanzibar-Watched"}},
        {"id": "each", "where": {"annotator": "*"}},
        {"id": "all"},
    ],
}


def test_a_viewer_sees_pseudonyms() -> None:
    shown = with_shown_names(CONTRACT, lambda name: f"p{len(name)}")

    assert shown is not None
    assert b"Zanzibar" not in orjson.dumps(shown)
    assert shown["rules"][0] == {"id": "annotator-allowed", "allow": ["p16"], "deny": ["p15"]}
    assert shown["rules"][2] == CONTRACT["rules"][2]
    assert [rule.get("where", {}).get("annotator") for rule in shown["alerts"]] == ["p16", "*", None]
    assert "Zanzibar" not in " ".join(contract_changes(with_shown_names({}, str), shown))


def test_who_may_see_names_sees_them() -> None:
    assert with_shown_names(CONTRACT, str) == CONTRACT
    assert with_shown_names(None, str) is None
