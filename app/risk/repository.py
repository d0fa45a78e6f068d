"""SQL of rules, rulesets and lists."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.common.driver import send
from app.common.ids import first_id
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row, lock_row
from app.risk.models import RiskDecision, RiskListEntry, RiskRule, RiskRuleset, RuleStatus

_CURRENT = "SELECT id, version FROM risk_rulesets ORDER BY version DESC LIMIT 1"
_RULES = """
    SELECT r.id, r.key, r.version, r.conditions, r.outcome, r.weight, s.is_active
    FROM risk_rulesets rs
    CROSS JOIN LATERAL (
        SELECT id, true AS is_active, n FROM unnest(rs.active) WITH ORDINALITY AS a (id, n)
        UNION ALL
        SELECT id, false, n FROM unnest(rs.shadow) WITH ORDINALITY AS a (id, n)
    ) s JOIN risk_rules r ON r.id = s.id
    WHERE rs.version = %(version)s ORDER BY s.is_active, s.n
"""
_ENTRIES = "SELECT list, kind, value, expires_at FROM risk_list_entries"


def query_current(session: Session) -> Any:
    """Send the query for id and version of the ruleset in force, one row."""
    return send(session, _CURRENT)


def get_rules(session: Session, version: int) -> Sequence[Any]:
    """The rules of a ruleset, in the order of evaluation."""
    return send(session, _RULES, {"version": version}).fetchall()


def get_entries(session: Session) -> Sequence[Any]:
    """All entries of the lists."""
    return send(session, _ENTRIES).fetchall()


def insert_ruleset(
    session: Session, *, ruleset_id: UUID, now: datetime, status: dict[str, Sequence[UUID]]
) -> None:
    """status: ids of the rules by SHADOW and ACTIVE."""
    latest = session.scalar(select(func.max(RiskRuleset.version))) or 0
    insert_row(
        session,
        RiskRuleset(
            id=ruleset_id,
            version=latest + 1,
            active=list(status[RuleStatus.ACTIVE]),
            shadow=list(status[RuleStatus.SHADOW]),
            created_at=now,
        ),
    )


def list_in_force(session: Session) -> Sequence[RiskRule]:
    """The rules that are active or in shadow, in the order of evaluation."""
    return session.scalars(
        select(RiskRule)
        .where(RiskRule.status.in_((RuleStatus.ACTIVE, RuleStatus.SHADOW)))
        .order_by(RiskRule.key)
    ).all()


def list_rules(
    session: Session, page: PageRequest, *, status: str | None, key: str | None
) -> Page[RiskRule]:
    query = select(RiskRule)
    if status is not None:
        query = query.where(RiskRule.status == status)
    if key is not None:
        query = query.where(RiskRule.key == key)
    return paginate(session, page, query, RiskRule.id)


def insert_rule(session: Session, **values: Any) -> RiskRule:
    return insert_row(session, RiskRule(**values))


def get_rule(session: Session, rule_id: UUID) -> RiskRule | None:
    return session.get(RiskRule, rule_id)


def get_rule_for_update(session: Session, rule_id: UUID) -> RiskRule | None:
    return lock_row(session, RiskRule, rule_id)


def get_rule_of(session: Session, *, key: str, status: str) -> RiskRule | None:
    return session.scalar(select(RiskRule).where(RiskRule.key == key, RiskRule.status == status))


def get_last_version(session: Session, key: str) -> int:
    return session.scalar(select(func.max(RiskRule.version)).where(RiskRule.key == key)) or 0


def delete_row(session: Session, row: RiskRule | RiskListEntry) -> None:
    session.delete(row)
    session.flush()


def list_entries(
    session: Session, page: PageRequest, *, list_name: str | None, kind: str | None
) -> Page[RiskListEntry]:
    query = select(RiskListEntry)
    if list_name is not None:
        query = query.where(RiskListEntry.list == list_name)
    if kind is not None:
        query = query.where(RiskListEntry.kind == kind)
    return paginate(session, page, query, RiskListEntry.id)


def count_entries(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(RiskListEntry)) or 0


def insert_entry(session: Session, **values: Any) -> RiskListEntry:
    return insert_row(session, RiskListEntry(**values))


def get_entry_for_update(session: Session, entry_id: UUID) -> RiskListEntry | None:
    return lock_row(session, RiskListEntry, entry_id)


def delete_expired_entries(session: Session, *, now: datetime) -> Collection[UUID]:
    """Delete entries that have expired. Returns their ids."""
    expired = session.scalars(
        select(RiskListEntry).where(RiskListEntry.expires_at <= now).with_for_update()
    ).all()
    for entry in expired:
        session.delete(entry)
    session.flush()
    return [entry.id for entry in expired]


def list_decisions(
    session: Session,
    *,
    since: datetime | None,
    until: datetime | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Any]:
    """Screened decisions of a period, oldest first, after the one with the id `after`."""
    query = select(RiskDecision).where(RiskDecision.ruleset.is_not(None))
    if since is not None:
        query = query.where(RiskDecision.id >= first_id(since))
    if until is not None:
        query = query.where(RiskDecision.id < first_id(until))
    if after is not None:
        query = query.where(RiskDecision.id > after)
    return session.scalars(query.order_by(RiskDecision.id).limit(limit)).all()
