"""HTTP of licences: validation for licensed applications, and management for merchants."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from flask import Response

from app.attempts.budgets import LICENCE_KEYS
from app.attempts.http import limits_attempts
from app.auth.guard import current_user, requires
from app.auth.models import Role
from app.auth.scopes import Scope
from app.common import ratelimit
from app.common.db import reading, retry_transaction, transaction
from app.common.http import Blueprint, is_error, json_response
from app.common.idempotent import idempotent
from app.common.json_format import dump_json
from app.common.pagination import PageArgs
from app.common.ratelimit import per_address
from app.delivery.licences import activations, service
from app.delivery.licences.errors import (
    ActivationLimitReached,
    ActivationNotFound,
    LicenceExpired,
    LicenceNotFound,
    LicenceRevoked,
    ProductHasNoLicences,
)
from app.delivery.licences.schemas import (
    ActivateLicenceIn,
    DeactivateLicenceIn,
    LicenceActivationOut,
    LicenceOut,
    LicenceTermsOut,
    LicenceValidationOut,
    SetLicenceTermsIn,
    SoldLicenceList,
    ValidateLicenceIn,
    activation_out,
    licence_out,
    sold_licence_out,
    validation_out,
)
from app.delivery.licences.service import LicenceLimits
from app.products.errors import ProductNotFound, UnauthorizedProductAccess

View = TypeVar("View", bound=Callable[..., Any])

#: Many machines of a company may share one address.
_ALL_REQUESTS: Final = "1200/minute"
#: LICENCE_KEYS limits those of a day.
_WRONG_KEYS: Final = "60/minute;600/hour"

blp = Blueprint(
    "licences",
    __name__,
    url_prefix="/licences",
    description="Licence validation for applications",
)
product_blp = Blueprint(
    "product-licences", __name__, url_prefix="/products", description="Licences for sale"
)


def limits_key_guessing(view: View) -> View:
    """Limit requests per address, and much more strictly those with wrong keys.

    Wrong keys count for all endpoints together.
    """
    limited = limits_attempts(LICENCE_KEYS, counts=_is_wrong_key)(view)
    limited = per_address(_ALL_REQUESTS)(limited)
    return ratelimit.shared(
        _WRONG_KEYS, by=ratelimit.address, scope="licence-keys", counts=_is_wrong_key
    )(limited)


def _is_wrong_key(response: Response) -> bool:
    return is_error(response, [LicenceNotFound])


@blp.post("/validate")
@blp.arguments(ValidateLicenceIn)
@blp.response(200, LicenceValidationOut)
@blp.errors(LicenceNotFound)
@limits_key_guessing
@blp.doc(**{"x-caller": "holder of the licence key"})
def validate_licence(body: dict[str, Any]) -> Response:
    """Validate a licence

    Returns whether the licence is valid and, with `instance`, whether it is active on that
    machine. Needs no sign-in. Wrong keys are rate-limited per IP address.
    """
    with reading() as session:
        validation = activations.validate(session, **body)
    return json_response(dump_json(validation_out(validation)))


@blp.post("/activate")
@blp.arguments(ActivateLicenceIn)
@blp.response(200, LicenceActivationOut)
@blp.errors(LicenceNotFound, LicenceExpired, LicenceRevoked, ActivationLimitReached)
@limits_key_guessing
@blp.doc(**{"x-caller": "holder of the licence key"})
def activate_licence(body: dict[str, Any]) -> Response:
    """Activate a licence on a machine

    Activating it again for the same `instance` has no effect.
    """
    active = retry_transaction(partial(activations.activate, **body))
    return json_response(dump_json(activation_out(active)))


@blp.post("/deactivate")
@blp.arguments(DeactivateLicenceIn)
@blp.response(200, LicenceOut)
@blp.errors(LicenceNotFound, ActivationNotFound)
@limits_key_guessing
@blp.doc(**{"x-caller": "holder of the licence key"})
def deactivate_licence(body: dict[str, Any]) -> Response:
    """Deactivate a licence on a machine

    It can then be activated on another machine.
    """
    details = retry_transaction(partial(activations.deactivate, **body))
    return json_response(dump_json(licence_out(details)))


@product_blp.get("/<uuid:product_id>/licence-terms")
@requires(product_blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@product_blp.response(200, LicenceTermsOut)
@product_blp.errors(ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences)
def get_licence_terms(product_id: UUID) -> LicenceLimits:
    """Get the licence terms of a product

    By default a licence can be active on 3 machines and never expires.
    """
    with reading() as session:
        return service.require_terms(session, merchant=current_user(session), product_id=product_id)


@product_blp.put("/<uuid:product_id>/licence-terms")
@requires(product_blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@product_blp.arguments(SetLicenceTermsIn)
@idempotent(product_blp)
@product_blp.response(200, LicenceTermsOut)
@product_blp.errors(ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences)
def set_licence_terms(body: dict[str, Any], product_id: UUID) -> LicenceLimits:
    """Set the licence terms of a product

    Applies to licences sold from now on; existing licences keep their terms.
    """
    with transaction() as session:
        return service.set_terms(
            session,
            merchant=current_user(session),
            product_id=product_id,
            limits=LicenceLimits(**body),
        )


@product_blp.get("/<uuid:product_id>/licences")
@requires(product_blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@product_blp.arguments(PageArgs, location="query")
@product_blp.response(200, SoldLicenceList)
@product_blp.errors(ProductNotFound, UnauthorizedProductAccess)
def list_sold_licences(args: dict[str, Any], product_id: UUID) -> Response:
    """List the sold licences of a product

    Newest first. Keys are masked: only the buyer can see a full key.
    """
    with reading() as session:
        found = service.list_licences(
            session, merchant=current_user(session), product_id=product_id, **args
        )
    return json_response(dump_json(found.serialized(sold_licence_out)))
