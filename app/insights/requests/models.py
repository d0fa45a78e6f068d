"""Requests that web processes have answered, by duration."""

from datetime import datetime

from sqlalchemy import CheckConstraint, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import mutable
from app.common.db import Base


class _Requests:
    """duration: index of the first of the bounds (app.common.request_counts) that was not
    exceeded; errors: the requests that were answered with a status of 500 or more."""

    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    duration: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    requests: Mapped[int]
    errors: Mapped[int]


class RequestMinute(_Requests, Base):
    """The requests of a minute, for percentiles and short windows."""

    __tablename__ = "request_minutes"
    __table_args__ = (
        CheckConstraint("errors BETWEEN 0 AND requests", name="errors_within"),
        mutable("requests", "errors", deleted=True),
    )


class RequestHour(_Requests, Base):
    """The requests of an hour, for long windows."""

    __tablename__ = "request_hours"
    __table_args__ = (
        CheckConstraint("errors BETWEEN 0 AND requests", name="errors_within"),
        mutable("requests", "errors", deleted=True),
    )
