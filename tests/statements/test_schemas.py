"""The statement written by hand is the same as by its schema."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.auth.models import User
from app.common.json_format import dump_json
from app.statements.documents import as_json
from app.statements.schemas import StatementOut
from app.statements.service import Statement, Total
from app.wallets.ledger import Account
from app.wallets.service import Period

MOMENT = datetime(2026, 11, 21, 9, 30, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
def test_a_statement_is_serialized_as_by_its_schema(currency: str) -> None:
    wallet = Account(uuid4(), "USER", currency, uuid4(), balance=5000, number="482109375516")
    statement = Statement(
        holder=User(id=uuid4(), email=None, phone="+14155550100", first_name="Ada"),
        period=Period(wallet, first=8, last=7),
        since=MOMENT,
        until=MOMENT,
        issued_at=MOMENT,
        opening=4000,
        closing=5000,
        totals=[Total("DEPOSIT", 2, 1500, 0), Total("PAYMENT", 1, 0, 500)],
        time_zone="Asia/Kolkata",
    )
    written = json.loads(b"".join(as_json(statement, [])))

    assert written == json.loads(
        dump_json(
            StatementOut().dump(
                {
                    "wallet_id": wallet.id,
                    "number": wallet.number,
                    "currency": currency,
                    "holder": statement.holder,
                    "since": MOMENT,
                    "until": MOMENT,
                    "issued_at": MOMENT,
                    "opening_balance": 4000,
                    "closing_balance": 5000,
                    "count": 0,
                    "totals": [
                        {
                            "type": total.type,
                            "count": total.count,
                            "amount_in": total.incoming,
                            "amount_out": total.outgoing,
                            "currency": currency,
                        }
                        for total in statement.totals
                    ],
                    "time_zone": "Asia/Kolkata",
                    "transactions": [],
                }
            )
        )
    )
