"""SQL of the retention: statements over any table, in small batches and by index."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.retention.policy import Rule

_BATCH = """
    WITH batch AS (
        SELECT ctid, {column} AS age FROM {table}
        WHERE {column} >= :after AND {column} < :before AND ({where})
        ORDER BY {column} LIMIT :limit {lock}
    ), changed AS ({change} WHERE {table}.ctid = batch.ctid)
    SELECT count(*) AS number, (SELECT age FROM batch ORDER BY age DESC LIMIT 1) AS last FROM batch
"""


def apply_to_batch(
    session: Session,
    rule: Rule,
    *,
    after: datetime | UUID,
    before: datetime | UUID,
    limit: int,
) -> Any:
    """Delete or clear up to `limit` rows, the oldest first.

    after, before: values of the rule's column. Returns `number` of rows and the `last` value.
    """
    change = (
        f"DELETE FROM {rule.table} USING batch"  # noqa: S608 – names from our own code
        if rule.clear is None
        else f"UPDATE {rule.table} SET {rule.clear} = NULL FROM batch"  # noqa: S608 – as above
    )
    statement = _BATCH.format(
        table=rule.table,
        column=rule.column,
        where=rule.where,
        lock="FOR UPDATE SKIP LOCKED" if rule.is_in_use else "",
        change=change,
    )
    values = {"after": after, "before": before, "limit": limit}
    return session.execute(text(statement), values).one()
