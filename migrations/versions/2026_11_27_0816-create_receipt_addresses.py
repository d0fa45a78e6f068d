"""How often the address of a transfer's receipt was revoked."""

import sqlalchemy as sa
from alembic import op

revision = "0061_receipt_addresses"
down_revision = "0060_link_serial"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "receipt_addresses",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("serial > 0", name=op.f("ck_receipt_addresses_serial_positive")),
        sa.ForeignKeyConstraint(
            ["transfer_id"],
            ["transfers.id"],
            name=op.f("fk_receipt_addresses_transfer_id_transfers"),
        ),
        sa.PrimaryKeyConstraint("transfer_id", name=op.f("pk_receipt_addresses")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("receipt_addresses")
