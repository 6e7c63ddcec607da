"""The views for analysts. They are explained in docs/sql.md."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_LIVE_ANNOTATIONS = """
SELECT a.* FROM annotations AS a
WHERE a.verdict = 'validated' AND a.action IN ('created', 'updated') AND NOT EXISTS (
    SELECT 1 FROM annotations AS b
    WHERE b.project = a.project AND b.item = a.item AND b.annotator = a.annotator AND b.verdict = 'validated'
    AND (b.occurred_at, b.id, b.source, b.kafka_partition, b.kafka_offset)
      > (a.occurred_at, a.id, a.source, a.kafka_partition, a.kafka_offset)
)
"""

_CURRENT_CORRECTIONS = """
SELECT c.* FROM corrections AS c
WHERE c.retracts IS NULL AND NOT EXISTS (
    SELECT 1 FROM corrections AS r
    WHERE r.retracts = c.id AND r.source = c.source AND r.kafka_partition = c.kafka_partition
    AND r.kafka_offset > c.kafka_offset
)
"""

_REJECTED = """
SELECT a.* FROM annotations AS a WHERE a.verdict = 'rejected'
"""

_FINDINGS = """
SELECT a.project, a.item, a.annotator, a.id AS annotation, a.verdict, a.occurred_at, a.contract_version,
    f.value ->> 'rule' AS rule, f.value ->> 'action' AS action, f.value ->> 'message' AS message,
    f.value ->> 'path' AS path
FROM annotations AS a, {elements_of_findings} AS f{columns}
"""

_ITEMS_NOW = """
SELECT i.project, i.item, i.text, i.attributes, i.gold, i.seen_at, c.label, c.label_kind, c.probability, c.votes,
    coalesce(c.status, 'unknown') AS status, r.priority AS review_priority
FROM items AS i
LEFT JOIN consensus AS c ON c.project = i.project AND c.item = i.item
LEFT JOIN reviews AS r ON r.project = i.project AND r.item = i.item
"""

_LABEL_MIX_DAILY = """
SELECT project, day, market, label, n, 1.0 * n / sum(n) OVER (PARTITION BY project, day, market) AS share
FROM (
    SELECT project, {day_occurred} AS day, attributes ->> 'market' AS market, label, count(*) AS n
    FROM live_annotations
    WHERE label IS NOT NULL
    GROUP BY 1, 2, 3, 4
) AS counted
"""

_DISAGREEMENT_BY_GUIDELINE = """
SELECT project, guideline, count(*) AS items, sum(votes) AS annotations,
    1.0 * sum(CASE WHEN same < votes * (votes - 1) THEN 1 ELSE 0 END) / count(*) AS disputed_share,
    1 - 1.0 * sum(same) / sum(votes * (votes - 1)) AS disagreement
FROM (
    SELECT project, guideline, item, sum(n) AS votes, sum(n * (n - 1)) AS same
    FROM (
        SELECT project, attributes ->> 'guideline' AS guideline, item, label, count(*) AS n
        FROM live_annotations
        WHERE label IS NOT NULL
        GROUP BY 1, 2, 3, 4
    ) AS said
    GROUP BY project, guideline, item
) AS heard
WHERE votes > 1
GROUP BY project, guideline
"""

_ANNOTATOR_SPEED_AGREEMENT = """
SELECT a.project, a.annotator, count(*) AS annotations, avg(a.lead_time_seconds) AS mean_seconds,
    avg(CASE WHEN c.label IS NULL THEN NULL WHEN c.label = a.label THEN 1.0 ELSE 0.0 END) AS agreement,
    max(r.accuracy) AS accuracy, max(r.accuracy_low) AS accuracy_low, max(r.accuracy_high) AS accuracy_high
FROM live_annotations AS a
LEFT JOIN consensus AS c ON c.project = a.project AND c.item = a.item AND c.votes > 1
LEFT JOIN reliability AS r ON r.project = a.project AND r.annotator = a.annotator
GROUP BY a.project, a.annotator
"""

_VERDICT_FUNNEL = """
SELECT a.project, {day_judged} AS day, count(*) AS came, 0 AS dead,
    sum(CASE WHEN a.verdict = 'rejected' THEN 1 ELSE 0 END) AS rejected,
    sum(CASE WHEN a.verdict = 'validated' THEN 1 ELSE 0 END) AS validated,
    sum(CASE WHEN a.verdict = 'validated' AND a.findings <> '[]' THEN 1 ELSE 0 END) AS flagged,
    count(l.id) AS live, count(c.annotation) AS corrected
FROM annotations AS a
LEFT JOIN live_annotations AS l ON l.source = a.source AND l.verdict = a.verdict
    AND l.kafka_partition = a.kafka_partition AND l.kafka_offset = a.kafka_offset
LEFT JOIN (SELECT DISTINCT project, item, annotator, annotation FROM current_corrections) AS c
    ON c.project = l.project AND c.item = l.item AND c.annotator = l.annotator AND c.annotation = l.id
GROUP BY 1, 2
UNION ALL
SELECT NULL, {day_judged}, count(*), count(*), 0, 0, 0, 0, 0 FROM dead AS a GROUP BY 2
"""

_VIEWS = {
    "live_annotations": _LIVE_ANNOTATIONS,
    "current_corrections": _CURRENT_CORRECTIONS,
    "rejected": _REJECTED,
    "findings": _FINDINGS,
    "items_now": _ITEMS_NOW,
    "label_mix_daily": _LABEL_MIX_DAILY,
    "disagreement_by_guideline": _DISAGREEMENT_BY_GUIDELINE,
    "annotator_speed_agreement": _ANNOTATOR_SPEED_AGREEMENT,
    "verdict_funnel": _VERDICT_FUNNEL,
}
"""The views by name; each may use those before it."""

_WORDS = {
    "sqlite": {
        "elements_of_findings": "json_each(a.findings)",
        "columns": "",
        "day_occurred": "date(occurred_at)",
        "day_judged": "date(a.judged_at)",
    },
    "postgresql": {
        "elements_of_findings": "jsonb_array_elements(a.findings)",
        "columns": "(value)",
        "day_occurred": "date(timezone('UTC', occurred_at))",
        "day_judged": "date(timezone('UTC', a.judged_at))",
    },
}
"""The SQL of each database for the same expression."""


def upgrade() -> None:
    """Create the views."""
    words = _WORDS[op.get_bind().dialect.name]
    for name, query in _VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query.format(**words)}")


def downgrade() -> None:
    """Drop the views."""
    for name in reversed(_VIEWS):
        op.execute(f"DROP VIEW {name}")
