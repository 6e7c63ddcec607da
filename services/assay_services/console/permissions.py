"""The lowest role that each path of the console needs. A path that is not listed returns 404."""

from collections.abc import Mapping
from types import MappingProxyType

from assay_services.stores.control.tables.accounts import Role

OPEN = None
"""No sign-in needed."""

LEAST_ROLES: Mapping[str, Role | None] = MappingProxyType(
    {
        "/health": OPEN,
        "/ready": OPEN,
        "/sign-in": OPEN,
        "/sign-in.css": OPEN,
        "/welcome": OPEN,
        "/oidc/begin": OPEN,
        "/oidc/back": OPEN,
        "/sign-out": Role.VIEWER,
        "/": Role.VIEWER,
        "/project": Role.VIEWER,
        "/annotators": Role.VIEWER,
        "/annotator": Role.VIEWER,
        "/items": Role.VIEWER,
        "/item": Role.VIEWER,
        "/review": Role.REVIEWER,
        "/alerts": Role.VIEWER,
        "/alert": Role.VIEWER,
        "/subscriptions": Role.LEAD,
        "/subscription": Role.LEAD,
        "/system": Role.LEAD,
        "/metrics": Role.LEAD,
        "/api/v1/openapi.json": Role.VIEWER,
        "/api/v1/overview": Role.VIEWER,
        "/api/v1/projects": Role.VIEWER,
        "/api/v1/agreement": Role.VIEWER,
        "/api/v1/agreement/pairs": Role.VIEWER,
        "/api/v1/confusion": Role.VIEWER,
        "/api/v1/findings": Role.VIEWER,
        "/api/v1/contracts": Role.VIEWER,
        "/api/v1/annotators": Role.VIEWER,
        "/api/v1/annotator": Role.VIEWER,
        "/api/v1/annotator/votes": Role.VIEWER,
        "/api/v1/signals": Role.VIEWER,
        "/api/v1/items": Role.VIEWER,
        "/api/v1/item": Role.VIEWER,
        "/api/v1/alerts": Role.VIEWER,
        "/api/v1/deliveries": Role.LEAD,
        "/api/v1/reviews": Role.REVIEWER,
        "/api/v1/services": Role.LEAD,
        "/api/v1/dead": Role.LEAD,
    }
)
"""The lowest role for each path."""

LEAST_ROLES_BY_PREFIX: Mapping[str, Role] = MappingProxyType({"/_nicegui/": Role.VIEWER, "/_nicegui_ws/": Role.VIEWER})
"""The lowest role for all paths with a prefix: NiceGUI's files and its websocket."""


def least_role(path: str) -> Role | str | None:
    """Return the lowest role for a path, OPEN, or UNLISTED."""
    if path in LEAST_ROLES:
        return LEAST_ROLES[path]
    return next((role for prefix, role in LEAST_ROLES_BY_PREFIX.items() if path.startswith(prefix)), UNLISTED)


UNLISTED = "unlisted"
"""The path is not listed."""
