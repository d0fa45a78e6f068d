"""Why a model cannot be shown."""

from app.common.errors import NotFound


class ModelNotFound(NotFound):
    code = "RISK_MODEL_NOT_FOUND"
    message = "Model not found"
