"""SQL of rules, rulesets and lists."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.common.bulk import BulkInsert, Write, write
from app.common.driver import send
from app.common.ids import first_id
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row, lock_row
from app.risk.models import RiskDecision, RiskListEntry, RiskRule, RiskRuleset, RuleStatus

_INSERT_DECISIONS: Final = BulkInsert(RiskDecision)
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


def delete_rule(session: Session, row: RiskRule) -> None:
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


def delete_entry(session: Session, entry_id: UUID) -> Any:
    """Delete an entry. Returns its list, kind and reason, or None."""
    deleted = delete(RiskListEntry).where(RiskListEntry.id == entry_id)
    columns = RiskListEntry.list, RiskListEntry.kind, RiskListEntry.reason
    return session.execute(deleted.returning(*columns)).one_or_none()


def delete_expired_entries(session: Session, *, now: datetime) -> None:
    session.execute(delete(RiskListEntry).where(RiskListEntry.expires_at <= now))


def get_decision(session: Session, decision_id: UUID) -> RiskDecision | None:
    return session.get(RiskDecision, decision_id)


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


_RECEIVERS = """
    SELECT DISTINCT payee_id FROM risk_decisions
    WHERE user_id = %(user_id)s AND currency = %(currency)s AND created_at > %(since)s
        AND outcome IN ('APPROVE', 'REVIEW') AND payee_id IS NOT NULL
"""
_KNOWN = """
    SELECT coalesce(array_agg(DISTINCT s.address) FILTER (WHERE s.address <> ''), '{}')
            AS addresses,
        coalesce(bool_or(
            CASE
                WHEN own.kind = 'API_KEY' THEN s.id = own.id
                WHEN own.device_id IS NULL THEN s.user_agent = %(agent)s
                ELSE s.device_id = own.device_id
            END
        ), false) AS device
    FROM login_sessions s LEFT JOIN login_sessions own ON own.id = %(session_id)s
    WHERE s.user_id = %(user_id)s AND s.created_at <= %(since)s
"""
_DEVICE = "SELECT device_id FROM login_sessions WHERE id = %(session_id)s"
# What is counted is subtracted again from the first row in the window. A window whose first row is
# that of a longer one costs no step in the index.
_BEFORE = """
    LEFT JOIN LATERAL (
        SELECT d.created_at,
            d.count_total - CASE WHEN d.code IS NULL THEN 1 ELSE 0 END AS count_total,
            d.sum_total - CASE WHEN d.code IS NULL THEN d.amount ELSE 0 END AS sum_total,
            d.refused_total - CASE WHEN d.code IS NULL THEN 0 ELSE 1 END AS refused_total
        FROM risk_decisions d
        WHERE l.created_at > %(since_{name})s {unknown} AND d.user_id = u.id
            AND d.currency = %(currency)s AND d.created_at > %(since_{name})s
        ORDER BY d.created_at, d.ordinal LIMIT 1
    ) {name} ON true
"""
_UNKNOWN = "AND greatest({longer}) <= %(since_{name})s"
_LAST = """
    LEFT JOIN LATERAL (
        SELECT d.created_at, d.ordinal, d.count_total, d.sum_total, d.refused_total
        FROM risk_decisions d WHERE d.user_id = u.id AND d.currency = %(currency)s
        ORDER BY d.created_at DESC, d.ordinal DESC LIMIT 1
    ) l ON true
"""
_TOTALS = """
    {name}.count_total AS {name}_count, {name}.sum_total AS {name}_sum,
    {name}.refused_total AS {name}_refused
"""


@cache
def select_history(windows: tuple[str, ...]) -> tuple[str, str]:
    """Columns and joins for a query of `users u` that has a row for each payer.

    The columns `l_count`, `l_sum` and `l_refused` are the totals of the user's last decision. For
    each window, the longest first, three more are those before the first decision in it. They are
    None where there is no decision, and for a window that begins with the same decision as a longer
    one. Its placeholders are `currency` and, for each window, `since_<name>`.
    """
    columns = [
        "u.email_key, u.email_verified_at, u.created_at, u.time_zone",
        "l.created_at AS last_at, l.ordinal",
    ]
    joins = [_LAST]
    columns += (_TOTALS.format(name=name) for name in ("l", *windows))
    for n, name in enumerate(windows):
        longer = ", ".join(f"{each}.created_at" for each in windows[:n])
        unknown = _UNKNOWN.format(longer=longer, name=name) if longer else ""
        joins.append(_BEFORE.format(name=name, unknown=unknown))
    return ", ".join(columns), " ".join(joins)


def get_receivers(session: Session, *, user_id: UUID, currency: str, since: datetime) -> set[UUID]:
    """Everyone whom the user has paid since then."""
    values = {"user_id": user_id, "currency": currency, "since": since}
    return {row.payee_id for row in send(session, _RECEIVERS, values)}


def get_known(
    session: Session,
    *,
    user_id: UUID,
    session_id: UUID | None,
    agent: str | None,
    since: datetime,
) -> Any:
    """Whether the user had a session with the `device` of this one before a time, and the
    `addresses` of all sessions before. An API key is a device of its own; agent: for sessions whose
    device has no ID."""
    values = {
        "user_id": user_id,
        "session_id": session_id,
        "agent": agent,
        "since": since,
    }
    return send(session, _KNOWN, values).fetchone()


def get_device(session: Session, session_id: UUID) -> str | None:
    """The ID of the device of a session."""
    found = send(session, _DEVICE, {"session_id": session_id}).fetchone()
    return None if found is None else found.device_id


def insert_decisions(session: Session, decisions: Iterable[RiskDecision]) -> None:
    """decisions: of the class RiskDecisionRow."""
    write(session, Write(_INSERT_DECISIONS, decisions))


# A row that is the first in the window is itself, so there is always one.
_BEFORE_PAST = """
    CROSS JOIN LATERAL (
        SELECT json_build_array(
            b.count_total - CASE WHEN b.code IS NULL THEN 1 ELSE 0 END,
            b.sum_total - CASE WHEN b.code IS NULL THEN b.amount ELSE 0 END,
            b.refused_total - CASE WHEN b.code IS NULL THEN 0 ELSE 1 END) AS totals
        FROM risk_decisions b
        WHERE b.user_id = d.user_id AND b.currency = d.currency
            AND b.created_at > d.created_at - interval '{seconds} seconds'
            AND b.created_at <= d.created_at
        ORDER BY b.created_at, b.ordinal LIMIT 1
    ) {name}
"""
_PAST = """
    SELECT d.id, d.user_id, d.payee_id, d.kind, d.amount, d.currency, d.outcome, d.code, d.score,
        d.ruleset, d.inputs, d.created_at, d.ordinal, d.count_total, d.sum_total, d.refused_total,
        u.created_at AS registered_at, u.time_zone, c.status AS case_status,
        coalesce(c.result_id, c.reference_id) AS result_id {columns}
    FROM (
        SELECT * FROM risk_decisions
        WHERE id > %(after)s AND id < %(until)s AND ruleset IS NOT NULL ORDER BY id LIMIT %(limit)s
    ) d
    JOIN users u ON u.id = d.user_id
    LEFT JOIN risk_cases c ON c.decision_id = d.id {joins}
    ORDER BY d.id
"""
_PAST_RECEIVERS = """
    SELECT count(DISTINCT payee_id) AS count FROM (
        SELECT payee_id FROM risk_decisions
        WHERE user_id = %(user_id)s AND currency = %(currency)s AND created_at > %(since)s
            AND created_at <= %(until)s AND ordinal < %(ordinal)s
            AND outcome IN ('APPROVE', 'REVIEW')
        UNION ALL SELECT %(payee_id)s::uuid
    ) paid
"""


def list_past(
    session: Session,
    *,
    after: UUID,
    until: UUID,
    limit: int,
    windows: Mapping[str, timedelta],
) -> Sequence[Any]:
    """Screened decisions with ids between both, oldest first, with their user, their case if there
    is one, and for each window `before_<name>`: the totals before its first decision."""
    values = {"after": after, "until": until, "limit": limit}
    lengths = tuple((name, int(length.total_seconds())) for name, length in windows.items())
    return send(session, _past(lengths), values).fetchall()


@cache
def _past(lengths: Sequence[tuple[str, int]]) -> str:
    return _PAST.format(
        columns="".join(f", {name}.totals AS before_{name}" for name, _ in lengths),
        joins="".join(_BEFORE_PAST.format(name=name, seconds=seconds) for name, seconds in lengths),
    )


def count_receivers(session: Session, decision: Any, *, since: datetime) -> int:
    """Users whom the payer of a past decision had paid since then, its own payee included."""
    values = {
        "user_id": decision.user_id,
        "currency": decision.currency,
        "since": since,
        "until": decision.created_at,
        "ordinal": decision.ordinal,
        "payee_id": decision.payee_id,
    }
    found = send(session, _PAST_RECEIVERS, values).fetchone()
    count: int = found.count if found else 0
    return count
