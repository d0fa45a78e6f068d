"""A reconciliation from file to report, for the view and for the command: opens transactions."""

from datetime import date
from functools import partial
from uuid import UUID

from app.banks import providers
from app.banks.providers import Provider
from app.common.db import reading, retry_transaction
from app.inbox import service as inbox
from app.reconciliation import service, statement
from app.reconciliation.comparison import Action, Finding
from app.reconciliation.service import Report


def reconcile(
    raw: bytes,
    *,
    provider: str,
    since: date | None = None,
    until: date | None = None,
    apply: bool = False,
    actor_id: UUID | None = None,
    most: int | None = None,
) -> Report:
    """Compare the statement of a bank with our records.

    raw: CSV; apply: close what is safe to close, at most so many. Safe to run twice.
    Raises ProviderUnknown, StatementInvalid.
    """
    bank = providers.require(provider)
    lines = statement.read(raw)
    with reading() as session:
        report = service.check(session, provider=bank, lines=lines, since=since, until=until)
    if apply:
        places = [n for n, one in enumerate(report.findings) if one.action is Action.CAN_CLOSE]
        for place in places[:most]:
            report.findings[place] = _close(report.findings[place], bank, actor_id)
    return report


def _close(finding: Finding, bank: Provider, actor_id: UUID | None) -> Finding:
    """One at a time: what is refused for one must not undo the others."""
    stored = retry_transaction(
        partial(service.tell, finding=finding, provider=bank, actor_id=actor_id)
    )
    if stored is not None:
        retry_transaction(partial(inbox.handle, event_id=stored))
    with reading() as session:
        return service.closed(session, finding=finding, provider=bank)
