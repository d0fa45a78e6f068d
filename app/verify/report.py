"""Verifies the books: each invariant is a query whose rows are violations."""

from typing import Final

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from app.common.db import transaction
from app.verify import (
    accounts,
    bank,
    codes,
    files,
    holds,
    keys,
    ledger,
    licences,
    orders,
    payouts,
    refunds,
    sales,
    transfers,
)
from app.verify.invariant import Invariant

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
    *accounts.INVARIANTS,
    *keys.INVARIANTS,
)

_MAX_SHOWN: Final = 5

#: Undoes settings of request connections that make reading whole tables slow.
_WHOLE_TABLES: Final = (
    "statement_timeout = 0",
    "enable_seqscan = on",
    "enable_hashjoin = on",
    "enable_mergejoin = on",
)


def violations() -> list[tuple[Invariant, list[str]]]:
    """Each invariant with the rows that violate it, all read in one snapshot."""
    with transaction(serializable=True) as session:
        for setting in _WHOLE_TABLES:
            session.execute(text(f"SET LOCAL {setting}"))
        return [
            (invariant, [str(tuple(row)) for row in session.execute(text(invariant.sql))])
            for invariant in INVARIANTS
        ]


def report() -> int:
    """Print every invariant with its number of violations. Returns 0 if there are none, else 1."""
    console = Console()
    table = Table("Invariant", "Violations")
    found = violations()
    for invariant, rows in found:
        table.add_row(invariant.name, f"[red]{len(rows)}[/]" if rows else "[green]0[/]")
    console.print(table)
    broken = [(invariant, rows) for invariant, rows in found if rows]
    for invariant, rows in broken:
        console.print(f"[red]{invariant.name}[/]:", *rows[:_MAX_SHOWN], sep="\n  ")
    console.print(
        f"{len(broken)} of {len(found)} invariants violated."
        if broken
        else f"All {len(found)} invariants hold."
    )
    return 1 if broken else 0
