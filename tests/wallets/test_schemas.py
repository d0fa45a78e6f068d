"""Serializers written by hand return the same as their schemas."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from app.common.json_format import dump_json
from app.wallets.ledger import Account
from app.wallets.models import WalletTransaction, WalletTransactionRow
from app.wallets.schemas import (
    TransactionOut,
    WalletMovementOut,
    WalletOut,
    WalletSnapshotOut,
    movement_out,
    past_wallet_out,
    transaction_out,
    wallet_out,
)

MOMENT = datetime(2026, 11, 21, 9, 30, 0, 123456, tzinfo=UTC)


def account(currency: str) -> Account:
    return Account(
        uuid4(), "USER", currency, uuid4(), 123_456, 456, 7, True, MOMENT, updated_at=MOMENT
    )


def posting_row(currency: str, metadata: dict[str, Any] | None) -> WalletTransaction:
    return WalletTransactionRow(
        id=uuid4(),
        journal_entry_id=uuid4(),
        wallet_id=uuid4(),
        sequence=3,
        type="PAYMENT",
        status="COMPLETED",
        amount=-1050,
        balance_before=2000,
        balance_after=950,
        currency=currency,
        description=None if metadata is None else "Purchase: Ünïcode",
        reference_type="order",
        reference_id=uuid4(),
        meta=metadata,
        created_at=MOMENT,
        with_code=False,
        type_total=1050,
        uncoded_total=1050,
    )


def to_json(value: Any) -> Any:
    return json.loads(dump_json(value))


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
def test_a_wallet_is_serialized_as_by_its_schema(currency: str) -> None:
    wallet = account(currency)
    assert to_json(wallet_out(wallet)) == WalletOut().dump(wallet)


def test_a_past_wallet_is_serialized_as_by_its_schema() -> None:
    wallet = account("USD")
    shown = to_json(past_wallet_out(wallet, at=MOMENT))
    assert list(shown) == [field.data_key for field in WalletSnapshotOut().fields.values()]
    assert shown == WalletOut().dump(wallet) | {
        "available": None,
        "held": None,
        "at": "2026-11-21T09:30:00.123Z",
    }


@pytest.mark.parametrize("metadata", [None, {}, {"note": ["a", 1]}])
def test_a_posting_is_serialized_as_by_its_schema(metadata: dict[str, Any] | None) -> None:
    posting = posting_row("USD", metadata)
    assert to_json(transaction_out(posting)) == TransactionOut().dump(posting) | {
        "orderNumber": None
    }


def test_a_movement_is_serialized_as_by_its_schema() -> None:
    wallet, posting = account("USD"), posting_row("USD", None)
    expected = WalletMovementOut().dump({"wallet": wallet, "transaction": posting})
    expected["transaction"]["orderNumber"] = None
    assert to_json(movement_out((wallet, posting))) == expected
