"""SQL of models."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.common.driver import send, uuid_array
from app.common.pagination import Page, PageRequest, paginate
from app.common.rows import insert_row
from app.risk.learning.models import RiskModel

_BY_ID: Final = "SELECT id, content, checksum FROM risk_models WHERE id = ANY(%(ids)s)"


def insert_model(session: Session, **values: Any) -> RiskModel:
    return insert_row(session, RiskModel(**values))


def get_last_version(session: Session) -> int:
    return session.scalar(select(func.max(RiskModel.version))) or 0


def get_model(session: Session, model_id: UUID) -> RiskModel | None:
    return session.get(RiskModel, model_id)


def list_by_id(session: Session, model_ids: Collection[UUID]) -> Sequence[Any]:
    """Id, content and checksum of these models."""
    return send(session, _BY_ID, {"ids": uuid_array(model_ids)}).fetchall()


def list_models(session: Session, page: PageRequest) -> Page[RiskModel]:
    return paginate(session, page, select(RiskModel), RiskModel.id)
