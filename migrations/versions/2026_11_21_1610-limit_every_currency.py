"""Limits in every currency: until now only wallets in USD had any by default."""

import sqlalchemy as sa
from alembic import op
from uuid_utils.compat import uuid7

revision = "0009_limit_every_currency"
down_revision = "0008_payouts"

#: As in USD: they stop a runaway program and not a person. Per day, in minor units, rounded to
#: about the same value; ten times as much in 30 days.
PER_DAY = {
    "EUR": 100_000_000,
    "GBP": 100_000_000,
    "INR": 10_000_000_000,
    "EGP": 5_000_000_000,
    "JPY": 150_000_000,
    "KWD": 300_000_000,
}
KINDS = ("DEPOSIT", "WITHDRAWAL", "ONRAMP", "PAYOUT", "TRANSFER_IN", "TRANSFER_OUT")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for currency, amount in PER_DAY.items():
        for window, times in (("DAY", 1), ("MONTH", 10)):
            for role in ("USER", "MERCHANT", "ADMIN"):
                for kind in KINDS:
                    op.execute(
                        sa.text("""
                            INSERT INTO wallet_limits
                                (id, role, type, "window", currency, amount, updated_at)
                            VALUES (:id, :role, :kind, :window, :currency, :amount, now())
                            ON CONFLICT ON CONSTRAINT uq_wallet_limits_role DO NOTHING
                        """).bindparams(
                            id=uuid7(),
                            role=role,
                            kind=kind,
                            window=window,
                            currency=currency,
                            amount=amount * times,
                        )
                    )


def downgrade() -> None:
    currencies = "', '".join(PER_DAY)
    op.execute(f"DELETE FROM wallet_limits WHERE role IS NOT NULL AND currency IN ('{currencies}')")
