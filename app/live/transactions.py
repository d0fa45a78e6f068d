"""A transaction as clients of the live process get it (docs/live.md)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final
from uuid import UUID

import orjson

from app.common.money import format_minor

#: The names that the contract has for our codes of errors.
_REASONS: Final = {"RISK_DECLINED": "FRAUD_DETECTED"}
_NULL: Final = b"null"


@dataclass(frozen=True, slots=True)
class Transaction:
    """id: its place in the feed. user_id, merchant_id: who may see it, besides administrators.
    shown: its JSON; with_risk: the same with the risk score, which users must not see: they would
    learn what passes."""

    id: int
    user_id: UUID
    merchant_id: UUID | None
    shown: bytes
    with_risk: bytes

    @classmethod
    def of(cls, row: Any) -> "Transaction":
        """row: of the feed (`app.insights`)."""
        score = _NULL if row.risk_score is None else format(row.risk_score, "f").encode()
        return cls._made(row.id, row.user_id, row.merchant_id, _described(row), score)

    @classmethod
    def _made(
        cls, number: int, user_id: UUID, merchant_id: UUID | None, text: bytes, score: bytes
    ) -> "Transaction":
        shown = text + b',"risk_score":null}'
        with_risk = shown if score == _NULL else text + b',"risk_score":' + score + b"}"
        return cls(number, user_id, merchant_id, shown, with_risk)

    def json(self, *, with_risk: bool) -> bytes:
        return self.with_risk if with_risk else self.shown

    @property
    def parties(self) -> set[UUID]:
        """The users who may see it."""
        return {self.user_id} if self.merchant_id is None else {self.user_id, self.merchant_id}

    def to_entry(self) -> dict[str, bytes | str]:
        """The fields of its entry in Redis, whose ID is that of the transaction."""
        text = self.shown.removesuffix(b',"risk_score":null}')
        score = self.with_risk[len(text) :].removeprefix(b',"risk_score":').removesuffix(b"}")
        merchant = "" if self.merchant_id is None else str(self.merchant_id)
        return {"user": str(self.user_id), "merchant": merchant, "json": text, "risk": score}

    @classmethod
    def from_entry(cls, entry_id: bytes, fields: Mapping[bytes, bytes]) -> "Transaction":
        """Raises KeyError and ValueError for an entry that we have not written."""
        merchant = fields[b"merchant"].decode()
        return cls._made(
            int(entry_id.partition(b"-")[0]),
            UUID(fields[b"user"].decode()),
            UUID(merchant) if merchant else None,
            fields[b"json"],
            fields[b"risk"],
        )


def _described(row: Any) -> bytes:
    """The JSON without the risk score and the closing brace. Numbers of money are for display."""
    described = {
        "id": row.id,
        "transaction_id": str(row.transaction_id),
        "user_id": row.user_number,
        "amount": orjson.Fragment(format_minor(row.amount, row.currency)),
        "merchant": row.merchant_name,
        "status": row.status,
        "decline_reason": _REASONS.get(row.decline_reason, row.decline_reason),
        "processing_latency": row.latency_ms,
        "currency": row.currency,
        "kind": row.kind,
        "timestamp": row.occurred_at.astimezone(UTC).isoformat(timespec="milliseconds"),
    }
    return orjson.dumps(described)[:-1]


def as_list(transactions: Iterable[Transaction], *, with_risk: bool) -> bytes:
    """The JSON of several."""
    return b"[" + b",".join(each.json(with_risk=with_risk) for each in transactions) + b"]"
