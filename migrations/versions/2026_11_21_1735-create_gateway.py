"""The account of the payment gateway: where money comes from that buyers pay there."""

from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa
from alembic import op

revision = "0015_gateway"
down_revision = "0014_coupons"

CURRENCIES = ("USD", "EUR", "GBP", "INR", "EGP", "JPY", "KWD")
HOUSE = uuid5(NAMESPACE_URL, "payment-flow:system-wallet")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    wallets = sa.table(
        "wallets",
        *map(sa.column, ("id", "kind", "code", "number", "currency", "created_at", "updated_at")),
    )
    op.execute(
        wallets.insert().values(
            [
                {
                    "id": uuid5(HOUSE, f"GATEWAY/{currency}"),
                    "kind": "SYSTEM",
                    "code": "GATEWAY",
                    "number": sa.null(),
                    "currency": currency,
                    "created_at": sa.func.now(),
                    "updated_at": sa.func.now(),
                }
                for currency in CURRENCIES
            ]
        )
    )


def downgrade() -> None:
    op.execute("DELETE FROM wallets WHERE code = 'GATEWAY'")
