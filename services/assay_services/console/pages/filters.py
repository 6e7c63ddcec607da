"""Parts that several pages share: project choice, tabs, filters, and links to the next page of a list."""

from collections.abc import Sequence

from assay_schemas.annotation import ProjectId
from assay_services.console.pages.html import Html, address, empty_state, join, tag, text_or_dash
from assay_services.console.pages.layout import View
from assay_services.stores.archive.queries.projects import read_projects


async def chosen_project(view: View) -> tuple[ProjectId | None, Sequence[ProjectId]]:
    """Return the project of the address, or else the first one (None if there is none), and all projects."""
    projects = await view.ask(read_projects)
    chosen = ProjectId(view.query.get("project", ""))
    return (chosen or (projects[0] if projects else None)), projects


def heading(where: str, title: str, project: ProjectId | None, projects: Sequence[ProjectId]) -> Html:
    """Return a page's heading and links to the projects."""
    links = [
        tag(
            "a",
            text_or_dash(one, most=40),
            href=address(where, project=one),
            aria_current="true" if one == project else None,
        )
        for one in projects[:40]
    ]
    others = tag("nav", *links, class_="tabs", aria_label="Projects") if len(projects) > 1 else None
    name = join((f"{title} of " if title else None, text_or_dash(project, most=60))) if project else title
    return join((tag("h1", name), others))


def no_project() -> Html:
    """Return the notice shown while no project exists."""
    return empty_state(
        "No project yet",
        "Apply a contract. Its project appears here with the first annotation.",
        "assay contract apply contracts/ads-safety.yaml",
    )


def tabs(label: str, choices: Sequence[tuple[str, str]], chosen: str) -> Html:
    """Return tabs from (title, address); the chosen one is marked."""
    links = [
        tag("a", text_or_dash(title, most=40), href=where, aria_current="true" if title == chosen else None)
        for title, where in choices
    ]
    return tag("nav", *links, class_="tabs", aria_label=label)


def field(name: str, title: str, value: str, *, choices: Sequence[str] | None = None) -> Html:
    """Return one field of a filter: free text, or with `choices` one of them or any."""
    if choices is None:
        return tag("label", title, tag("input", name=name, value=value, maxlength="300"))
    options = [tag("option", "any", value="")] + [
        tag("option", one, value=one, selected="" if one == value else None) for one in choices
    ]
    return tag("label", title, tag("select", *options, name=name))


def onward(where: str, following: str | None, **query: object) -> Html | None:
    """Return a link to the next page of a list, or None after the last page."""
    return None if following is None else tag("p", tag("a", "Next page", href=address(where, **query, after=following)))
