"""Columns and constraints that many tables have."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.common.money import Money


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
