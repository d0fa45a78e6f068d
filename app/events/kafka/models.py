"""What was received from Kafka."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from app.common.columns import mutable
from app.common.db import Base


class ReceivedMessage(Base):
    """A message that has had its effect, so that it has none when it is delivered again."""

    __tablename__ = "received_messages"
    __table_args__ = (mutable(deleted=True),)

    #: UUID version 5 of the message's source and id.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(index=True)
