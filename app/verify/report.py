"""Verifies the books: each invariant is a query whose rows are violations."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rich.console import Console
from sqlalchemy.orm import Session

from app.common.clock import format_timestamp
from app.common.db import plan_for_whole_tables, snapshot, transaction
from app.common.ids import new_id
from app.retention import service as retention
from app.verify import (
    accounts,
    bank,
    codes,
    events,
    files,
    holds,
    images,
    insights,
    keys,
    ledger,
    licences,
    orders,
    payouts,
    refunds,
    repository,
    sales,
    transfers,
    webhooks,
)
from app.verify.invariant import Invariant, Scope

INVARIANTS: Final = (
    *ledger.INVARIANTS,
    *holds.INVARIANTS,
    *orders.INVARIANTS,
    *refunds.INVARIANTS,
    *sales.INVARIANTS,
    *codes.INVARIANTS,
    *licences.INVARIANTS,
    *transfers.INVARIANTS,
    *bank.INVARIANTS,
    *payouts.INVARIANTS,
    *files.INVARIANTS,
    *images.INVARIANTS,
    *accounts.INVARIANTS,
    *keys.INVARIANTS,
    *events.INVARIANTS,
    *webhooks.INVARIANTS,
    *insights.INVARIANTS,
)

_MAX_SHOWN: Final = 5

#: An incremental run begins this long before the snapshot of the one that it continues: a
#: transaction may have been open then, and the clocks of the hosts that create ids differ.
_OVERLAP: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Result:
    """rows: the violations of the invariant; None if the scope does not include it."""

    invariant: Invariant
    rows: list[str] | None
    seconds: float


def check(session: Session, scope: Scope) -> Iterator[Result]:
    """Check every invariant, one after the other. session: of `db.snapshot`."""
    for invariant in INVARIANTS:
        began = time.monotonic()
        sql = scope.sql_of(invariant)
        rows = None if sql is None else repository.select_rows(session, sql, scope.parameters)
        yield Result(invariant, rows, time.monotonic() - began)


def violations(since: datetime | None = None) -> list[tuple[Invariant, list[str]]]:
    """Each invariant with the rows that violate it, all read in one snapshot.

    since: only among records created since then, as far as an invariant allows it.
    """
    with snapshot() as session:
        plan_for_whole_tables(session)
        return [
            (result.invariant, result.rows)
            for result in check(session, _scope(since))
            if result.rows is not None
        ]


def report(*, since: datetime | None = None, incremental: bool = False) -> int:
    """Print every invariant with its number of violations. Returns 0 if there are none, else 1.

    since: check only records created since then. incremental: since the last complete or
    incremental run without violations. A run without `since` is recorded for the next incremental
    one, in a transaction of its own, unless the database is a replica or read-only.
    """
    console = Console(soft_wrap=True, highlight=False)
    with snapshot() as session:
        plan_for_whole_tables(session)
        started_at = repository.get_time(session)
        is_checkpoint = since is None and not repository.is_read_only(session)
        if incremental:
            since = _end_of_last_run(session)
        console.print(_subject(since))
        results = list(_checked(session, _scope(since), console))
    broken = [result for result in results if result.rows]
    for result in broken:
        console.print(
            f"[red]{result.invariant.name}[/]:", *(result.rows or ())[:_MAX_SHOWN], sep="\n  "
        )
    if is_checkpoint:
        with transaction() as session:
            repository.insert_verification(
                session, id=new_id(), started_at=started_at, since=since, violated=len(broken)
            )
    console.print(_summary(results))
    return 1 if broken else 0


def _scope(since: datetime | None) -> Scope:
    return Scope.starting(since, events_since=retention.events_since())


def _end_of_last_run(session: Session) -> datetime | None:
    last = repository.get_last_success(session)
    return last - _OVERLAP if last is not None else None


def _checked(session: Session, scope: Scope, console: Console) -> Iterator[Result]:
    """The results, each printed when it is there."""
    with console.status("Checking …") as status:
        for number, result in enumerate(check(session, scope), start=1):
            count = "–" if result.rows is None else str(len(result.rows))
            style = "red" if result.rows else "dim" if result.rows is None else "green"
            console.print(
                f"[{style}]{count:>5}[/] {result.invariant.name} [dim]{result.seconds:.1f} s[/]"
            )
            status.update(f"Checked {number} of {len(INVARIANTS)} invariants …")
            yield result


def _subject(since: datetime | None) -> str:
    if since is None:
        return "Violations of each invariant, among all records:"
    return (
        f"Violations of each invariant, among records since {format_timestamp(since)};"
        " – requires a full run:"
    )


def _summary(results: list[Result]) -> str:
    checked = [result.rows for result in results if result.rows is not None]
    skipped = len(results) - len(checked)
    broken = sum(1 for rows in checked if rows)
    text = (
        f"{broken} of {len(checked)} invariants violated"
        if broken
        else (f"All {len(checked)} invariants hold")
    )
    seconds = sum(result.seconds for result in results)
    return f"{text}{f' ({skipped} not checked)' if skipped else ''}. {seconds:.0f} s"
