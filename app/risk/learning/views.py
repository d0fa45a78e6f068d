"""HTTP of models, for administrators."""

from typing import Any
from uuid import UUID

from app.auth.guard import current_admin, requires
from app.auth.models import Role
from app.common.db import reading
from app.common.http import Blueprint
from app.common.pagination import PageArgs
from app.risk.learning import service
from app.risk.learning.errors import ModelNotFound
from app.risk.learning.schemas import ModelList, ModelOut
from app.risk.learning.service import ModelInUse

admin_blp = Blueprint(
    "admin-risk-models",
    __name__,
    url_prefix="/admin/risk/models",
    description="Trained models of screening",
)


@admin_blp.get("")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(PageArgs, location="query")
@admin_blp.response(200, ModelList)
def list_risk_models(args: dict[str, Any]) -> Any:
    """List trained risk models

    Newest first, with how each was evaluated. A model has an effect through rules that read its
    score: each comes with a version of the rule `model`, in shadow. Activate or retire these rules.
    """
    with reading() as session:
        current_admin(session)
        return service.list_models(session, **args)


@admin_blp.get("/<uuid:model_id>")
@requires(admin_blp, Role.ADMIN)
@admin_blp.response(200, ModelOut)
@admin_blp.errors(ModelNotFound)
def get_risk_model(model_id: UUID) -> ModelInUse:
    """Get a trained risk model

    With how it was evaluated, and the rules in force that read its score.
    """
    with reading() as session:
        current_admin(session)
        return service.require_model(session, model_id)
