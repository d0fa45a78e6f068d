"""Sums of the sales of each day (UTC) and of each quarter of an hour, which summaries add up.

All of it follows from orders and refunds, which `verify` compares it with, so there are no foreign
keys. A day is summed once it is over; nothing of it changes afterwards.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import mutable
from app.common.db import Base


class SummedDay(Base):
    """A day whose sums are complete. From the first to the last one, no day is missing."""

    __tablename__ = "summed_days"
    __table_args__ = (
        Index(
            "ix_summed_days_without_quarters",
            "day",
            postgresql_where=text("quarters_summed_at IS NULL"),
        ),
        mutable("quarters_summed_at", deleted=True),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    summed_at: Mapped[datetime]
    #: When its quarters of an hour were summed; None in a day that an older version has summed.
    quarters_summed_at: Mapped[datetime | None]


class DailySales(Base):
    """The sales and refunds of a product on a day, amounts in minor units.

    Orders count when they were completed, and refunds when they were made. discounts: from
    coupons; revenue: paid by buyers; fee_refunds: fees returned with refunds.
    """

    __tablename__ = "daily_sales"
    __table_args__ = (mutable(deleted=True),)

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    product_id: Mapped[UUID] = mapped_column(primary_key=True)
    orders: Mapped[int]
    units: Mapped[int]
    discounts: Mapped[int]
    revenue: Mapped[int]
    fees: Mapped[int]
    refunds: Mapped[int]
    fee_refunds: Mapped[int]
    refunded_units: Mapped[int]


class BuyerDay(Base):
    """A day on which a buyer bought from a merchant, or bought a product.

    scope_id: the merchant or the product.
    """

    __tablename__ = "buyer_days"
    __table_args__ = (mutable(deleted=True),)

    scope_id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    buyer_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)


class DailyBuyers(Base):
    """How many buyers bought on a day and had bought before on `previous_day` last.

    previous_day: `-infinity` for those who had not. So the distinct buyers of a period are those
    with a previous day before it, which can be added up.
    """

    __tablename__ = "daily_buyers"
    __table_args__ = (mutable(deleted=True),)

    scope_id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    previous_day: Mapped[date] = mapped_column(primary_key=True)
    buyers: Mapped[int]


class QuarterHourSales(Base):
    """The sales and refunds of a merchant, or of a product, in a quarter of an hour.

    The days of every time zone consist of whole quarters: the offsets from UTC are multiples of it.
    scope_id: the merchant or the product; net: revenue - fees - refunds + fee_refunds. Other
    columns as of DailySales.
    """

    __tablename__ = "quarter_hour_sales"
    __table_args__ = (mutable(deleted=True),)

    scope_id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    orders: Mapped[int]
    units: Mapped[int]
    revenue: Mapped[int]
    refunds: Mapped[int]
    net: Mapped[int]
