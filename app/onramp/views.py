"""HTTP of on-ramps."""

from typing import Any
from uuid import UUID

from flask import Response

from app.auth.guard import current_user, requires
from app.auth.scopes import Scope
from app.banks import providers
from app.banks.errors import ProviderUnknown
from app.banks.providers import Provider
from app.common.db import reading
from app.common.http import Blueprint, json_response, settings
from app.common.idempotent import takes_idempotency_key
from app.common.json_format import dump_json
from app.common.ratelimit import per_caller
from app.common.replica import may_lag
from app.onramp import links, service
from app.onramp.errors import InvalidOnrampAmount, OnrampNotFound
from app.onramp.schemas import (
    CreateOnrampIn,
    OnrampArgs,
    OnrampList,
    OnrampOut,
    OnrampProviderOut,
    onramp_out,
)
from app.wallets.errors import LimitExceeded, WalletLocked, WalletNotFound
from app.wallets.movements.http import respond_once

blp = Blueprint("onramp", __name__, url_prefix="/onramp", description="Deposits from a bank")


@blp.post("")
@requires(blp, scope=Scope.WALLET_WRITE)
@blp.arguments(CreateOnrampIn)
@blp.response(201, OnrampOut)
@blp.errors(ProviderUnknown, InvalidOnrampAmount, LimitExceeded, WalletLocked, WalletNotFound)
@takes_idempotency_key(blp)
@per_caller("60/minute")
def create_onramp(body: dict[str, Any]) -> Response:
    """Create an on-ramp

    Starts a deposit from a bank. Pay at `paymentUrl` within five minutes. When the bank confirms
    the payment, the wallet is credited with the requested amount.
    """
    return respond_once(
        lambda session, user, key: service.create_onramp(
            session,
            user=user,
            currency=settings().default_currency,
            maximum=settings().maximum_onramp,
            idempotency_key=key,
            **body,
        ),
        render=lambda onramp: onramp_out(onramp, links.sign_link(onramp)),
        status=201,
    )


@blp.get("")
@requires(blp, scope=Scope.WALLET_READ)
@blp.arguments(OnrampArgs, location="query")
@blp.response(200, OnrampList)
@may_lag
def list_onramps(args: dict[str, Any]) -> Response:
    """List on-ramps

    Newest first. The status PROCESSING changes to SUCCESS, FAILURE or EXPIRED. An EXPIRED on-ramp
    can still succeed; it is then marked as `late`.
    """
    with reading() as session:
        found = service.list_onramps(session, user_id=current_user(session).id, **args)
    return json_response(
        dump_json(found.serialized(lambda onramp: onramp_out(onramp, links.get_link(onramp))))
    )


@blp.get("/providers")
@blp.response(200, OnrampProviderOut(many=True))
def list_onramp_providers() -> list[Provider]:
    """List banks

    Returns the bank codes that `POST /onramp` accepts.
    """
    return providers.list_all()


@blp.get("/<uuid:onramp_id>")
@requires(blp, scope=Scope.WALLET_READ)
@blp.response(200, OnrampOut)
@blp.errors(OnrampNotFound)
def get_onramp(onramp_id: UUID) -> Response:
    """Get an on-ramp

    Visible to the user who created it.
    """
    with reading() as session:
        onramp = service.require_onramp(
            session, onramp_id=onramp_id, user_id=current_user(session).id
        )
    return json_response(dump_json(onramp_out(onramp, links.get_link(onramp))))
