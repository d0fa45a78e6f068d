"""Budgets of attempts at guessing a secret."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import mutable
from app.common.db import Base


class AttemptBudget(Base):
    """What is left of a budget: it is full again at `full_at`, and empty a day before that.

    Without a row, or with a time in the past, it is full.
    """

    __tablename__ = "attempt_budgets"
    __table_args__ = (mutable("full_at", deleted=True),)

    #: What is guessed, and whose attempts are counted.
    scope: Mapped[str] = mapped_column(primary_key=True)
    #: SHA-256 of the caller, address or account.
    subject: Mapped[bytes] = mapped_column(primary_key=True)
    full_at: Mapped[datetime] = mapped_column(index=True)
