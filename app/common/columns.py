"""Columns and constraints that many tables have."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column, validates

from app.common.money import Money

#: Columns with the time at which a row began.
BEGINNINGS: Final = (
    "activated_at",
    "begun_at",
    "created_at",
    "occurred_at",
    "received_at",
    "started_at",
    "summed_at",
    "uploaded_at",
)
#: Columns with the time at which something else happened to it.
MOMENTS: Final = (
    "applied_at",
    "checked_at",
    "closed_at",
    "completed_at",
    "confirmed_at",
    "deactivated_at",
    "decided_at",
    "deleted_at",
    "delivered_at",
    "disabled_at",
    "email_verified_at",
    "failed_at",
    "failing_since",
    "first_paid_at",
    "finished_at",
    "flagged_at",
    "last_failed_at",
    "last_login_at",
    "last_used_at",
    "limit_reached_at",
    "missing_at",
    "phone_verified_at",
    "processed_at",
    "quarters_summed_at",
    "queued_at",
    "read_at",
    "released_at",
    "removed_at",
    "removing_at",
    "retired_at",
    "revoked_at",
    "seen_at",
    "settled_at",
    "submitted_at",
    "taken_at",
    "updated_at",
    "used_at",
)


class Chronological:
    """Nothing happens to a row before what has already happened to it.

    The clock may be set back, or another host may have written the row. Statements that update
    many rows use `greatest` instead.
    """

    @validates(*MOMENTS)
    def _in_order(self, _: str, moment: datetime | None) -> datetime | None:
        if moment is None:
            return None
        values: dict[str, datetime | None] = vars(self)
        before = (values.get(name) for name in BEGINNINGS + MOMENTS)
        return max([moment, *(one for one in before if one is not None)])


class Identified:
    """id: a UUID version 7 (ids.new_id), so rows are in the order in which they were created."""

    id: Mapped[UUID] = mapped_column(primary_key=True)


class Created:
    created_at: Mapped[datetime]


class Timestamped(Created):
    updated_at: Mapped[datetime]


class Monetary:
    """amount: minor units of `currency`."""

    amount: Mapped[int]
    currency: Mapped[str]

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


def known_values(column: str, values: Iterable[str], *, also: str | None = None) -> CheckConstraint:
    """The constraint `…_known`: a column has one of these values, such as the members of an enum.

    also: a condition that must hold as well.
    """
    listed = ", ".join(f"'{value}'" for value in values)
    condition = f'"{column}" IN ({listed})'
    return CheckConstraint(f"{condition} AND {also}" if also else condition, name=f"{column}_known")


def mutable(*columns: str, deleted: bool = False) -> dict[str, Any]:
    """Table argument: the columns that the application changes after the row was inserted.

    deleted: whether it also deletes rows. `migrate` grants no other UPDATE and no other DELETE.
    """
    return {"info": {"mutable": columns, "deleted": deleted}}
