"""A reconciliation from file to report, for the endpoint and the command. Opens transactions."""

from datetime import date
from functools import partial
from uuid import UUID

from app.banks import providers
from app.banks.providers import Provider
from app.common.db import reading, retry_transaction
from app.common.time_zone import UTC_ZONE
from app.inbox import service as inbox
from app.ledger_lock.service import ledger_transaction
from app.reconciliation import service, statement
from app.reconciliation.comparison import Action, Finding
from app.reconciliation.service import Report
from app.reconciliation.statement import Format


def reconcile(
    raw: bytes,
    *,
    provider: str,
    currency: str,
    form: Format = Format(),  # noqa: B008 – immutable
    since: date | None = None,
    until: date | None = None,
    time_zone: str = UTC_ZONE.key,
    apply: bool = False,
    actor_id: UUID | None = None,
    max_closed: int | None = None,
) -> Report:
    """Compare the statement of a bank with our records.

    raw, currency, form: as of `statement.parse`; since, until, time_zone: as of
    `compare_statement`; apply: close the differences that are safe to
    close, at most `max_closed` of them. Safe to run twice.
    Raises ProviderUnknown, StatementInvalid, PeriodInvalid.
    """
    bank = providers.require(provider)
    lines = statement.parse(raw, currency=currency, form=form)
    with reading() as session:
        report = service.compare_statement(
            session,
            provider=bank,
            lines=lines,
            since=since,
            until=until,
            time_zone=time_zone,
        )
    if apply:
        closable = [n for n, one in enumerate(report.findings) if one.action is Action.CAN_CLOSE]
        for index in closable[:max_closed]:
            report.findings[index] = _close(report.findings[index], bank, actor_id)
    return report


def _close(finding: Finding, bank: Provider, actor_id: UUID | None) -> Finding:
    """Close a difference, in its own transactions, so that a refusal does not undo others."""
    stored = retry_transaction(
        partial(service.store_event, finding=finding, provider=bank, actor_id=actor_id)
    )
    if stored is not None:
        ledger_transaction(partial(inbox.handle, event_id=stored))
    with reading() as session:
        return service.recheck(session, finding=finding, provider=bank)
