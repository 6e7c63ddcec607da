"""Overview: can the labels arriving now be trusted? It follows by itself, a beat a second."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from nicegui import ui

from assay_schemas.alert import AlertState
from assay_services.console.overview_feed import OverviewSnapshot
from assay_services.console.pages import charts
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


async def build(view: View) -> None:
    """Fill the page, and follow."""
    beat = await view.parts.overview_feed.snapshot()
    html(tag("h1", "Overview"))
    head, alerts = html(_tiles(view, beat)), html(_alerts(view, beat))
    with ui.element("div").classes("card"):
        html(tag("h2", "Records judged a second, as they reach the archive"))
        chart = charts.show(_rates(view), label="Records judged a second by verdict, the last five minutes")
    lines = html(_projects(view, beat))

    def follow(beat: OverviewSnapshot) -> None:
        head.set_content(_tiles(view, beat))
        alerts.set_content(_alerts(view, beat))
        lines.set_content(_projects(view, beat))
        chart.run_chart_method("setOption", {"series": _series(view)})

    stop = view.parts.overview_feed.follow(follow)
    ui.context.client.on_delete(stop)
    alerts.classes("alerts")


def _tiles(view: View, beat: OverviewSnapshot) -> Html:
    if beat.overview is None:
        return empty_state("The archive is not there", f"{beat.problem}. This page goes on by itself.", "assay up")
    found = beat.overview
    judged = sum(one.judged for one in found.projects)
    kinds: dict[str, int] = dict.fromkeys(("validated", "flagged", "rejected"), 0)
    for line in found.projects:
        for share in line.verdicts:
            kinds[share.name] += share.count
    tiles = [
        tile("Records a second", number(_recent_rate(view), digits=1), "mean of the last 10 s"),
        tile(
            "Annotations, last hour",
            number(judged),
            f"{len(found.projects)} project{'' if len(found.projects) == 1 else 's'}",
        ),
        tile("Flagged", percent(kinds["flagged"] / judged if judged else None), f"n {judged:,}, last hour"),
        tile("Rejected", percent(kinds["rejected"] / judged if judged else None), f"n {judged:,}, last hour"),
        tile("Dead letters", number(found.totals.get("dead", 0)), "since the archive began"),
        tile("Lag of the archive", _lag(found), join(("wrote at ", when(found.wrote_at, view.zone)))),
    ]
    return tag("div", *tiles, class_="tiles")


def _recent_rate(view: View) -> float | None:
    rates = [sum(one.rates.values()) for one in list(view.parts.overview_feed.beats)[-_SECONDS_A_RATE:] if one.rates]
    return sum(rates) / len(rates) if rates else None


def _lag(found: Overview) -> Html:
    """Return how far what is archived is behind what was judged: the time between the newest of both."""
    newest = max((one.newest_at for one in found.projects if one.newest_at is not None), default=None)
    if newest is None or found.wrote_at is None:
        return tag("span", "-", class_="none")
    return Html(f"{max((found.wrote_at - newest).total_seconds(), 0.0):.1f} s")


def _alerts(view: View, beat: OverviewSnapshot) -> Html:
    firing = [one for one in beat.alerts if one.state is AlertState.FIRING]
    if not firing:
        return empty_state("No alert fires", "Rules that fire show here, with what to look at first.")
    shown = [
        tag(
            "li",
            link("/alert", summary(view, one), id=one.id),
            f" {one.severity.value}, since ",
            when(one.since, view.zone),
        )
        for one in firing[:_MOST_ALERTS]
    ]
    more = tag("p", link("/alerts", f"all {len(firing)} alerts")) if len(firing) > _MOST_ALERTS else None
    return tag("section", tag("h2", f"{len(firing)} alerts fire"), tag("ul", *shown), more, class_="card firing")


def _projects(view: View, beat: OverviewSnapshot) -> Html:
    if beat.overview is None:
        return Html("")
    if not beat.overview.projects:
        return empty_state(
            "No annotation has come yet",
            "Put a contract in force, then send annotations or connect a platform.",
            "assay contract apply contracts/ads-safety.yaml\nassay import -c contracts/ads-safety.yaml FILE.csv",
        )
    return tag("div", *(_project(view, one) for one in beat.overview.projects), class_="pair")


def _project(view: View, line: ProjectLine) -> Html:
    title = link("/project", text_or_dash(line.project, most=60), project=line.project)
    facts = [
        ("Last hour", join((number(line.judged), " judged, ", _verdicts(line.verdicts)))),
        ("Agreement", _agreement(line)),
        ("Annotators", link("/annotators", number(line.annotators), project=line.project)),
        ("Items", _statuses(line)),
        ("Made to judged", _delay(line.delay_seconds)),
        ("Newest", when(line.newest_at, view.zone)),
    ]
    rows = [part for name, value in facts for part in (tag("dt", name), tag("dd", value))]
    mix = (tag("div", "Labels now", class_="soft"), labels(line.labels))
    return tag("section", tag("h2", title), tag("dl", *rows), *mix, class_="card")


def _verdicts(shares: Sequence[NamedShare]) -> Html:
    return Html(", ".join(f"{one.share * 100:.1f} % {one.name}" for one in shares))


def _agreement(line: ProjectLine) -> Html:
    if not line.agreement:
        return tag("span", "none yet: it takes items with two labels or more", class_="none")
    rows = [
        tag("div", f"{one.window}: ", interval(one.value, one.low, one.high, one.items), " items")
        for one in line.agreement
    ]
    return join(rows)


def _statuses(line: ProjectLine) -> Html:
    shown = [
        join((link("/items", f"{count:,} {status}", project=line.project, status=status), " "))
        for status, count in sorted(line.statuses.items(), key=lambda one: -one[1])
    ]
    return join(shown) if shown else tag("span", "none yet", class_="none")


def _delay(seconds: float | None) -> Html:
    if seconds is None:
        return tag("span", "-", class_="none")
    return Html(f"half within {seconds:,.1f} s")


def labels(shares: Sequence[NamedShare]) -> Html:
    """Return the mix of labels; what is beyond the eighth comes together."""
    if not shares:
        return tag("span", "none yet", class_="none")
    first, rest = shares[:_MOST_LABELS], shares[_MOST_LABELS:]
    shown = [(one.name or "(lists)", one.share, f"c{number % 8}") for number, one in enumerate(first)]
    if rest:
        shown.append((f"{len(rest)} others", sum(one.share for one in rest), "c7"))
    return bar(shown, label="Labels")


def _rates(view: View) -> dict[str, Any]:
    options = charts.lines(view.colours, {name: [] for name in _VERDICTS})
    return options | {"series": _series(view)}


def _series(view: View) -> list[dict[str, Any]]:
    beats = [one for one in view.parts.overview_feed.beats if one.rates]
    return [
        {
            "name": name,
            "type": "line",
            "stack": "all",
            "areaStyle": {"opacity": 0.35},
            "symbol": "none",
            "data": [[_ms(one.at), round(one.rates.get(name, 0.0), 1)] for one in beats],
        }
        for name in _VERDICTS
    ]


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)


PAGE = ConsolePage("/", "Overview", build, icon="◎")
