"""HTTP of API keys."""

from typing import Any
from uuid import UUID

from app.auth.api_keys import service as api_keys
from app.auth.errors import (
    ApiKeyNotFound,
    CodeRequired,
    InvalidCredentials,
    TwoFactorCodeWrong,
)
from app.auth.guard import (
    confirms_password,
    current_user,
    identity,
    limits_optional_code_attempts,
    limits_password_attempts,
    requires,
    session_id,
)
from app.auth.models import Role
from app.auth.quotas.errors import QuotaExceeded
from app.auth.schemas import ApiKeyList, CreateApiKeyIn, CreatedApiKeyOut
from app.auth.two_factor import service as two_factor
from app.common.db import reading, transaction
from app.common.http import Blueprint, settings
from app.common.idempotent import idempotent
from app.common.pagination import Page, PageArgs
from app.common.ratelimit import per_caller

blp = Blueprint(
    "api-keys", __name__, url_prefix="/auth/api-keys", description="API keys of merchants' servers"
)


@blp.post("")
@requires(blp, Role.MERCHANT)
@blp.arguments(CreateApiKeyIn)
@per_caller("10/minute;60/hour")
@limits_optional_code_attempts
@limits_password_attempts
@confirms_password
@idempotent(blp, has_secret=True)
@blp.response(201, CreatedApiKeyOut)
@blp.errors(InvalidCredentials, CodeRequired, TwoFactorCodeWrong, QuotaExceeded)
def create_api_key(body: dict[str, Any]) -> dict[str, Any]:
    """Create an API key

    A server sends the key as `Authorization: Bearer pf_…`, in place of an access token. `key` is
    returned only in this response. A key is limited to its scopes; no key can manage API keys or
    the account. It is valid until it expires or is revoked. Requires the password, and a code if
    two-factor authentication is enabled. The number of valid keys is limited by a quota.
    """
    code = body.pop("code", None)
    user_id = identity().user_id
    with transaction() as session:
        made, key = api_keys.create_key(
            session,
            user_id=user_id,
            by_session=session_id(),
            live=settings().is_production,
            **body,
        )
        two_factor.require_code_if_enabled(session, user_id=user_id, code=code)
    shown = {name: getattr(made, name) for name in CreatedApiKeyOut().fields if name != "key"}
    return shown | {"key": key}


@blp.get("")
@requires(blp, Role.MERCHANT)
@blp.arguments(PageArgs, location="query")
@blp.response(200, ApiKeyList)
def list_api_keys(args: dict[str, Any]) -> Page[Any]:
    """List API keys

    Newest first, including revoked and expired keys. Keys cannot be shown again; `prefix` is how
    a key begins.
    """
    with reading() as session:
        return api_keys.list_keys(session, user_id=current_user(session).id, **args)


@blp.delete("/<uuid:api_key_id>")
@requires(blp, Role.MERCHANT)
@idempotent(blp)
@blp.response(204)
@blp.errors(ApiKeyNotFound)
def revoke_api_key(api_key_id: UUID) -> None:
    """Revoke an API key

    The key stops working immediately and permanently. Revoking it again has no effect.
    """
    with transaction() as session:
        api_keys.revoke_key(session, user_id=current_user(session).id, key_id=api_key_id)
