"""Bank accounts that users have saved for payouts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, Identified, mutable
from app.common.db import Base


class BankAccount(Identified, Created, Base):
    """A bank account of a user. Rows are only marked as deleted, because payouts refer to them.

    encrypted_number: encrypted for this row only; number_end: the last characters of the number,
    which are shown; fingerprint: a keyed hash that finds an equal account without decrypting any.
    """

    __tablename__ = "bank_accounts"
    __table_args__ = (
        Index(
            "uq_bank_accounts_fingerprint",
            "user_id",
            "fingerprint",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        CheckConstraint("length(number_end) = 4", name="number_end_short"),
        mutable("deleted_at"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    provider: Mapped[str]
    holder: Mapped[str]
    routing: Mapped[str]
    label: Mapped[str | None]
    encrypted_number: Mapped[bytes] = mapped_column("number_sealed")
    number_end: Mapped[str]
    fingerprint: Mapped[bytes]
    deleted_at: Mapped[datetime | None]

    @property
    def number(self) -> str:
        """The masked number."""
        return f"••••••{self.number_end}"
