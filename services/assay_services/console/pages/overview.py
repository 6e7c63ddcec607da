"""Overview: rates, alerts and the state of every project, updated once a second."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from nicegui import ui

from assay_schemas.alert import AlertState
from assay_services.console.overview_feed import OverviewSnapshot
from assay_services.console.pages import charts, icons
from assay_services.console.pages.alert_list import summary
from assay_services.console.pages.html import (
    Html,
    bar,
    empty_state,
    interval,
    join,
    link,
    number,
    percent,
    tag,
    text_or_dash,
    tile,
    when,
)
from assay_services.console.pages.layout import ConsolePage, View, html
from assay_services.stores.archive.queries.overview import NamedShare, Overview, ProjectLine

_VERDICTS = ("validated", "rejected", "dead")
_MOST_LABELS = 8
_MOST_ALERTS = 5
_SECONDS_A_RATE = 10
_TOO_FEW_RATES = "The chart appears with the second reading, in about two seconds."


async def build(view: View) -> None:
    """Fill the page and keep it updated."""
    snapshot = await view.parts.overview_feed.snapshot()
    html(tag("h1", "Overview"))
    tiles, alerts = html(_tiles(view, snapshot)), html(_alerts(view, snapshot))
    with ui.element("div").classes("card"):
        html(tag("h2", "Verdicts per second"))
        waiting = html(tag("p", _TOO_FEW_RATES, class_="soft", role="status"))
        chart = charts.show(_rates(view), label="Verdicts per second by kind, the last five minutes")
    projects = html(_projects(view, snapshot))

    def show_chart() -> None:
        can_draw = len(_measured(view)) > 1
        chart.set_visibility(can_draw)
        waiting.set_visibility(not can_draw)

    def follow(snapshot: OverviewSnapshot) -> None:
        tiles.set_content(_tiles(view, snapshot))
        alerts.set_content(_alerts(view, snapshot))
        projects.set_content(_projects(view, snapshot))
        show_chart()
        chart.run_chart_method("setOption", {"series": _series(view)})

    show_chart()

    stop = view.parts.overview_feed.follow(follow)
    ui.context.client.on_delete(stop)
    alerts.classes("alerts")


def _tiles(view: View, snapshot: OverviewSnapshot) -> Html:
    if snapshot.overview is None:
        notice = f"{snapshot.problem}. This page continues when the archive is back."
        return empty_state("The archive is unavailable", notice, "assay up")
    overview = snapshot.overview
    verdicts = sum(line.judged for line in overview.projects)
    kinds: dict[str, int] = dict.fromkeys(("validated", "flagged", "rejected"), 0)
    for line in overview.projects:
        for share in line.verdicts:
            kinds[share.name] += share.count
    tiles = [
        tile("Verdicts per second", number(_recent_rate(view), digits=1), "mean over 10 s"),
        tile(
            "Annotations, last hour",
            number(verdicts),
            f"{len(overview.projects)} project{'' if len(overview.projects) == 1 else 's'}",
        ),
        tile("Flagged", percent(kinds["flagged"] / verdicts if verdicts else None), f"n {verdicts:,}, last hour"),
        tile("Rejected", percent(kinds["rejected"] / verdicts if verdicts else None), f"n {verdicts:,}, last hour"),
        tile("Dead letters", number(overview.totals.get("dead", 0)), "total in the archive"),
        tile("Archive lag", _lag(overview), join(("last write ", when(overview.wrote_at, view.zone)))),
    ]
    return tag("div", *tiles, class_="tiles")


def _recent_rate(view: View) -> float | None:
    recent = list(view.parts.overview_feed.beats)[-_SECONDS_A_RATE:]
    rates = [sum(snapshot.rates.values()) for snapshot in recent if snapshot.rates]
    return sum(rates) / len(rates) if rates else None


def _lag(overview: Overview) -> Html:
    """Return the time from the newest verdict to the archive's last write."""
    newest = max((line.newest_at for line in overview.projects if line.newest_at is not None), default=None)
    if newest is None or overview.wrote_at is None:
        return tag("span", "-", class_="none")
    return Html(f"{max((overview.wrote_at - newest).total_seconds(), 0.0):.1f} s")


def _alerts(view: View, snapshot: OverviewSnapshot) -> Html:
    firing = [alert for alert in snapshot.alerts if alert.state is AlertState.FIRING]
    if not firing:
        return empty_state("No firing alerts", "Alerts that fire appear here, with links to their evidence.")
    lines = [
        tag(
            "li",
            link("/alert", summary(view, alert), id=alert.id),
            f" {alert.severity.value}, since ",
            when(alert.since, view.zone),
        )
        for alert in firing[:_MOST_ALERTS]
    ]
    more = tag("p", link("/alerts", f"All {len(firing)} alerts")) if len(firing) > _MOST_ALERTS else None
    title = f"{len(firing)} firing alert{'' if len(firing) == 1 else 's'}"
    return tag("section", tag("h2", title), tag("ul", *lines), more, class_="card firing")


def _projects(view: View, snapshot: OverviewSnapshot) -> Html:
    if snapshot.overview is None:
        return Html("")
    if not snapshot.overview.projects:
        return empty_state(
            "No annotations yet",
            "Apply a contract, then send annotations or connect a platform.",
            "assay contract apply contracts/ads-safety.yaml\nassay import -c contracts/ads-safety.yaml FILE.csv",
        )
    return tag("div", *(_project(view, line) for line in snapshot.overview.projects), class_="pair")


def _project(view: View, line: ProjectLine) -> Html:
    title = link("/project", text_or_dash(line.project, most=60), project=line.project)
    facts = [
        ("Last hour", join((number(line.judged), " verdicts: ", _verdicts(line.verdicts)))),
        ("Agreement", _agreement(line)),
        ("Annotators", link("/annotators", number(line.annotators), project=line.project)),
        ("Items", _statuses(line)),
        ("Median time to verdict", _delay(line.delay_seconds)),
        ("Newest verdict", when(line.newest_at, view.zone)),
    ]
    rows = [part for name, value in facts for part in (tag("dt", name), tag("dd", value))]
    mix = (tag("div", "Label distribution (current)", class_="soft"), labels(line.labels))
    return tag("section", tag("h2", title), tag("dl", *rows), *mix, class_="card")


def _verdicts(shares: Sequence[NamedShare]) -> Html:
    return Html(", ".join(f"{one.share * 100:.1f} % {one.name}" for one in shares))


def _agreement(line: ProjectLine) -> Html:
    if not line.agreement:
        return tag("span", "none yet: needs items with at least two labels", class_="none")
    rows = [
        tag("div", f"{one.window}: ", interval(one.value, one.low, one.high, one.items), " items")
        for one in line.agreement
    ]
    return join(rows)


def _statuses(line: ProjectLine) -> Html:
    counts = [
        join((link("/items", f"{count:,} {status}", project=line.project, status=status), " "))
        for status, count in sorted(line.statuses.items(), key=lambda entry: -entry[1])
    ]
    return join(counts) if counts else tag("span", "none yet", class_="none")


def _delay(seconds: float | None) -> Html:
    if seconds is None:
        return tag("span", "-", class_="none")
    return Html(f"{seconds:,.1f} s")


def labels(shares: Sequence[NamedShare]) -> Html:
    """Return the label distribution as a bar; labels after the eighth are summed."""
    if not shares:
        return tag("span", "none yet", class_="none")
    first, others = shares[:_MOST_LABELS], shares[_MOST_LABELS:]
    parts = [(share.name or "(lists)", share.share, f"c{number % 8}") for number, share in enumerate(first)]
    if others:
        parts.append((f"{len(others)} others", sum(share.share for share in others), "c7"))
    return bar(parts, label="Labels")


def _rates(view: View) -> dict[str, Any]:
    options = charts.lines(view.colours, {name: [] for name in _VERDICTS})
    return options | {"series": _series(view)}


def _measured(view: View) -> Sequence[OverviewSnapshot]:
    """Return the snapshots that have rates; the first after a pause has none."""
    return [snapshot for snapshot in view.parts.overview_feed.beats if snapshot.rates]


def _series(view: View) -> list[dict[str, Any]]:
    snapshots = _measured(view)
    return [
        {
            "name": name,
            "type": "line",
            "stack": "all",
            "areaStyle": {"opacity": 0.35},
            "symbol": "none",
            "data": [[_ms(snapshot.at), round(snapshot.rates.get(name, 0.0), 1)] for snapshot in snapshots],
        }
        for name in _VERDICTS
    ]


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)


PAGE = ConsolePage("/", "Overview", build, icon=icons.OVERVIEW)
