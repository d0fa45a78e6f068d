"""Record that the buyer has asked to cancel an order that is paid at the gateway."""

import sqlalchemy as sa
from alembic import op

revision = "0057c_requested_cancellations"
down_revision = "0057_guard_administrators"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "checkouts",
        sa.Column("cancel_requested", sa.Boolean(), server_default="false", nullable=False),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("checkouts", "cancel_requested")
