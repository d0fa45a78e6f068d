"""Finds the columns of a bank statement: ours, those of net banking, or those that are stated."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from app.common.csv_reader import Row, fold_name
from app.reconciliation.errors import StatementInvalid

#: What a column can mean, with the names by which it is found. The first is our own.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "date": ("date", "tran date", "transaction date", "txn date", "transaction date dd/mm/yyyy"),
    "reference": ("reference",),
    "bankReference": (
        "bankReference",
        "chq./ref.no.",
        "chq/ref number",
        "chqno",
        "cheque number",
        "ref no./cheque no.",
    ),
    "text": ("text", "narration", "particulars", "transaction details", "description"),
    "debit": ("debit", "withdrawal amt.", "debit amount", "dr"),
    "credit": ("credit", "deposit amt.", "credit amount", "cr"),
    "amount": ("amount", "amount (inr)"),
    "direction": ("direction", "debit/credit", "dr/cr"),
    "currency": ("currency",),
    "status": ("status",),
}

#: The columns of our own format.
OURS: Final = (
    "date",
    "reference",
    "bankReference",
    "direction",
    "amount",
    "currency",
    "status",
)
#: The columns with amounts.
AMOUNTS: Final = ("debit", "credit", "amount")

#: Lines before the header in which a bank writes whose account it is.
_MAX_PREAMBLE: Final = 100

_MEANINGS: Final = {fold_name(name): meaning for meaning, names in NAMES.items() for name in names}


@dataclass(frozen=True, slots=True)
class Layout:
    """The position of each column that has a meaning. width: the number of columns.

    is_ours: whether these are exactly our own columns.
    """

    positions: Mapping[str, int]
    width: int
    is_ours: bool

    def cells(self, row: Row) -> dict[str, str]:
        """The cells of a row by their meaning."""
        return {
            meaning: row.cells[at].strip() if at < len(row.cells) else ""
            for meaning, at in self.positions.items()
        }


def find(rows: Iterator[Row], stated: Sequence[tuple[str, str]]) -> Layout:
    """The layout of the statement whose rows these are. Consumes them up to the header.

    stated: meanings and names of columns, for what is not found by itself.
    Raises StatementInvalid.
    """
    meanings = _meanings(stated)
    line, width, best = 1, 0, dict[str, list[int]]()
    for row in islice(rows, _MAX_PREAMBLE):
        found: dict[str, list[int]] = {}
        for at, name in enumerate(row.cells):
            if (meaning := meanings.get(fold_name(name))) is not None:
                found.setdefault(meaning, []).append(at)
        is_header = not _missing(found, stated)
        if is_header or len(found) > len(best):
            line, width, best = row.line, row.written, found
        if is_header:
            break
    problems = []
    if missing := _missing(best, stated):
        problems = [f"missing column {', '.join(missing)}"]
    elif twice := [meaning for meaning, at in best.items() if len(at) > 1]:
        problems = [f"duplicate column {', '.join(twice)}"]
    if problems:
        raise StatementInvalid({f"line {line}": problems})
    positions = {meaning: at for meaning, (at,) in best.items()}
    is_ours = not stated and set(OURS) <= positions.keys()
    if not is_ours and not any(meaning == "reference" for meaning, _ in stated):
        # A bank's reference, unless it is stated to be ours.
        reference = positions.pop("reference", None)
        if reference is not None:
            positions.setdefault("bankReference", reference)
    return Layout(positions, width, is_ours)


def _meanings(stated: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """The meaning of each name. Stated names replace the usual ones."""
    own: dict[str, str] = {}
    for meaning, name in stated:
        if meaning not in NAMES:
            raise StatementInvalid({"columns": [f"must be one of {', '.join(NAMES)}: {meaning}"]})
        if not fold_name(name):
            raise StatementInvalid({"columns": [f"must have a name: {meaning}"]})
        if meaning in own.values() or fold_name(name) in own:
            raise StatementInvalid({"columns": [f"stated twice: {meaning}"]})
        own[fold_name(name)] = meaning
    usual = {name: meaning for name, meaning in _MEANINGS.items() if meaning not in own.values()}
    return usual | own


def _missing(found: Iterable[str], stated: Sequence[tuple[str, str]]) -> list[str]:
    """What a header lacks."""
    names = set(found)
    if {"reference", "direction"} <= names and not stated:
        return [name for name in OURS if name not in names]
    missing = [] if "date" in names else ["date"]
    if not {"debit", "credit"} <= names and "amount" not in names:
        missing += ["amount"]
    if not {"reference", "bankReference", "text"} & names:
        missing.append("reference")
    return missing
