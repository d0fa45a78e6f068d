"""Finds our record for a line of a statement that does not state our reference."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.reconciliation import repository
from app.reconciliation.statement import Direction, StatementLine

#: Lines whose candidates are in memory at a time.
_BATCH_SIZE: Final = 1_000
_TOKEN_LENGTH: Final = 43
_WORD: Final = re.compile(rf"[A-Za-z0-9_-]{{{_TOKEN_LENGTH},}}")
#: At every position, because another word may end with hexadecimal digits.
_UUID: Final = re.compile(r"(?=([0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}))", re.I)
#: Characters of a bank's text that are searched.
_MAX_TEXT: Final = 1_000


def identify(
    session: Session, *, provider: str, lines: Sequence[StatementLine]
) -> list[StatementLine]:
    """The lines, with our reference wherever it can be found beyond doubt.

    It is in the text of the bank, or the bank's own reference is that of one of our records.
    """
    found: list[StatementLine] = []
    for start in range(0, len(lines), _BATCH_SIZE):
        batch = lines[start : start + _BATCH_SIZE]
        unnamed = [line for line in batch if not line.reference]
        names = _Names(session, provider, unnamed) if unnamed else None
        for line in batch:
            reference = line.reference or (names.of(line) if names else "")
            found.append(replace(line, reference=reference))
    return found


class _Names:
    """Our references of lines that do not state one."""

    def __init__(self, session: Session, provider: str, lines: Sequence[StatementLine]) -> None:
        paid_in = [line for line in lines if line.direction is Direction.CREDIT]
        paid_out = [line for line in lines if line.direction is Direction.DEBIT]
        tokens = [one for line in paid_in for one in _tokens(line)]
        ids = [one for line in paid_out for one in _ids(line)]
        known = (
            *repository.list_onramps_by_token(session, provider=provider, tokens=tokens),
            *repository.list_payouts_by_id(session, provider=provider, ids=ids),
        )
        self._known = {str(row.reference) for row in known}
        self._by_bank: dict[tuple[Direction, str], set[str]] = {}
        for direction, named, query in (
            (Direction.CREDIT, paid_in, repository.list_onramps_by_bank_reference),
            (Direction.DEBIT, paid_out, repository.list_payouts_by_bank_reference),
        ):
            references = [one for line in named for one in _bank_references(line)]
            for row in query(session, provider=provider, references=references):
                key = (direction, row.bank_reference)
                self._by_bank.setdefault(key, set()).add(str(row.reference))

    def of(self, line: StatementLine) -> str:
        """Our reference, or nothing if there is none or more than one."""
        stated = _tokens(line) if line.direction is Direction.CREDIT else map(str, _ids(line))
        found = {one for one in stated if one in self._known}
        if not found:
            for reference in _bank_references(line):
                found |= self._by_bank.get((line.direction, reference), set())
        return found.pop() if len(found) == 1 else ""


def _tokens(line: StatementLine) -> Iterator[str]:
    """Everything in the line that may be the token of an on-ramp.

    A token may contain what banks put between words.
    """
    for word in _WORD.findall(_text_of(line)):
        for start in range(len(word) - _TOKEN_LENGTH + 1):
            if start == 0 or word[start - 1] in "-_":
                yield word[start : start + _TOKEN_LENGTH]


def _ids(line: StatementLine) -> Iterator[UUID]:
    """Everything in the line that may be the ID of a payout."""
    for text in _UUID.findall(_text_of(line)):
        yield UUID(text)


def _text_of(line: StatementLine) -> str:
    return f"{line.text[:_MAX_TEXT]} {line.bank_reference}"


def _bank_references(line: StatementLine) -> set[str]:
    """The bank's reference, which some banks fill up with zeros."""
    return {line.bank_reference, line.bank_reference.lstrip("0")} - {""}
