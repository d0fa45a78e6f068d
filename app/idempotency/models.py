"""Stored responses, by user and key."""

from typing import Final
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import Created, mutable
from app.common.db import Base

_KEY_INDEX: Final = {"idempotency": "key"}

#: The `info` of a primary key that is generated before the transaction: if it exists already, an
#: earlier attempt of the same request was committed.
ATTEMPT_ID: Final = {"idempotency": "attempt"}


def key_index(name: str, owner: str) -> Index:
    """The unique index of a table that has at most one row per user and Idempotency-Key.

    owner: the column of the user who sent the key. Rows are kept longer than stored responses, so a
    key can never have a second effect.
    """
    return Index(
        name,
        owner,
        "idempotency_key",
        unique=True,
        postgresql_where=text("idempotency_key IS NOT NULL"),
        info=_KEY_INDEX,
    )


def key_indexes() -> set[str]:
    """The names of all indexes that `key_index` made."""
    return {
        str(index.name)
        for table in Base.metadata.tables.values()
        for index in table.indexes
        if index.info == _KEY_INDEX
    }


def attempt_constraints() -> set[str]:
    """The names of the primary keys that are marked with ATTEMPT_ID."""
    return {
        str(table.primary_key.name)
        for table in Base.metadata.tables.values()
        if any(column.info == ATTEMPT_ID for column in table.primary_key)
    }


class IdempotencyKey(Created, Base):
    """A key, the fingerprint of its request, and the response.

    status, body: None while the request needs several transactions and has not been answered. The
    body is None, too, once it is older than its retention. moves_money: whether a success left a
    row that records the key.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        # Every row is in one of them.
        Index(
            "ix_idempotency_keys_responses", "created_at", postgresql_where=text("body IS NOT NULL")
        ),
        Index("ix_idempotency_keys_keys", "created_at", postgresql_where=text("body IS NULL")),
        mutable("status", "body", "created_at", deleted=True),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, info=ATTEMPT_ID)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    body: Mapped[bytes | None]
    moves_money: Mapped[bool] = mapped_column(server_default="true")
