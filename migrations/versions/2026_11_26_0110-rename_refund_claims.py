"""Rename refund_claims to refund_requests, as the API calls them. Every row stays."""

from alembic import op

revision = "0020_refund_requests"
down_revision = "0019_inbound_events"

CONSTRAINTS = (
    "pk_{}",
    "ck_{}_amount_positive",
    "ck_{}_units_positive",
    "ck_{}_amount_or_units",
    "ck_{}_status_known",
    "ck_{}_decided_has_time",
    "ck_{}_approved_has_refund",
    "fk_{}_order_id",
    "fk_{}_user_id",
    "fk_{}_merchant_id",
    "fk_{}_refund_id",
)
INDEXES = ("uq_{}_open", "ix_{}_buyer", "ix_{}_merchant")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    rename("refund_claims", "refund_requests")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    rename("refund_requests", "refund_claims")


def rename(old: str, new: str) -> None:
    """Rename the table, its constraints and its indexes."""
    op.rename_table(old, new)
    for name in CONSTRAINTS:
        op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT {name.format(old)} TO {name.format(new)}")
    for name in INDEXES:
        op.execute(f"ALTER INDEX {name.format(old)} RENAME TO {name.format(new)}")
