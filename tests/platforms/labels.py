"""What people say in Label Studio, per kind of project, and what it should be with us: written by hand."""

from typing import Any

WIDTH, HEIGHT = 400, 200


def a_task(kind: str, number: int) -> dict[str, Any]:
    """Return the data of one task."""
    match kind:
        case "boxes":
            return {"image": f"https://example.com/{number}.png"}
        case "pairwise":
            return {"a": f"answer {number} is short", "b": f"answer {number} is much longer than that"}
        case _:
            return {"text": f"Anna \N{SLIGHTLY SMILING FACE} went to Rome, trip {number}"}


def a_result(kind: str, choice: int) -> list[dict[str, Any]]:
    """Return what somebody says, one of two things, as Label Studio writes it."""
    region: dict[str, Any] = {"from_name": "label", "id": f"r{choice}"}
    match kind:
        case "choices":
            return [region | {"to_name": "text", "type": "choices", "value": {"choices": [("safe", "scam")[choice]]}}]
        case "spans":  # the emoji takes two of its units, and one of ours
            spans = ({"start": 0, "end": 4, "labels": ["person"]}, {"start": 16, "end": 20, "labels": ["place"]})
            return [region | {"to_name": "text", "type": "labels", "value": spans[choice]}]
        case "boxes":
            size = {"original_width": WIDTH, "original_height": HEIGHT}
            value: dict[str, Any] = {"x": 10, "y": 20, "width": 25 * (choice + 1), "height": 50, "rotation": 0}
            value["rectanglelabels"] = [("car", "bike")[choice]]
            return [region | size | {"to_name": "image", "type": "rectanglelabels", "value": value}]
        case _:
            return [region | {"to_name": "a", "type": "pairwise", "value": {"selected": ("left", "right")[choice]}}]


def a_label(kind: str, choice: int) -> Any:  # noqa: ANN401  # JSON
    """Return the label that this is with us."""
    match kind:
        case "choices":
            return ("safe", "scam")[choice]
        case "spans":
            return [({"start": 0, "end": 4, "label": "person"}, {"start": 15, "end": 19, "label": "place"})[choice]]
        case "boxes":
            box = {"x": 40.0, "y": 40.0, "width": 100.0 * (choice + 1), "height": 100.0}
            return [box | {"label": ("car", "bike")[choice]}]
        case _:
            return ("left", "right")[choice]


CONTRACTS: dict[str, dict[str, Any]] = {
    "choices": {"kind": "categorical", "values": ["safe", "scam"]},
    "spans": {"kind": "spans", "values": ["person", "place"]},
    "boxes": {"kind": "boxes", "values": ["car", "bike"]},
    "pairwise": {"kind": "pairwise"},
}
"""The labels of each project's contract."""
