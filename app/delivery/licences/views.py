"""HTTP of licences: for applications that validate theirs, and for merchants who sell them."""

from functools import partial
from typing import Any
from uuid import UUID

from flask import Response

from app.auth.guard import live_user, requires
from app.auth.models import Role
from app.auth.scopes import Scope
from app.common.db import reading, retry_transaction, transaction
from app.common.http import Blueprint, json_response
from app.common.json_format import dump_json
from app.common.pagination import PageArgs
from app.delivery.licences import activations, service
from app.delivery.licences.errors import (
    ActivationLimitReached,
    ActivationNotFound,
    LicenceExpired,
    LicenceNotFound,
    LicenceRevoked,
    ProductHasNoLicences,
)
from app.delivery.licences.guard import takes_keys
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
    sold_out,
    verdict_out,
)
from app.delivery.licences.service import Terms
from app.products.errors import ProductNotFound, UnauthorizedProductAccess

blp = Blueprint(
    "licences", __name__, url_prefix="/licences", description="Licence validation for applications"
)
product_blp = Blueprint(
    "product-licences", __name__, url_prefix="/products", description="Licences for sale"
)


@blp.post("/validate")
@blp.arguments(ValidateLicenceIn)
@blp.response(200, LicenceValidationOut)
@blp.refuses(LicenceNotFound)
@takes_keys
@blp.doc(**{"x-caller": "holder of the licence key"})
def validate_licence(body: dict[str, Any]) -> Response:
    """Validate a licence

    Returns whether the licence is valid and, with `instance`, whether it is active on that
    machine. Needs no sign-in. Wrong keys are rate-limited per IP address.
    """
    with reading() as session:
        verdict = activations.validate(session, **body)
    return json_response(dump_json(verdict_out(verdict)))


@blp.post("/activate")
@blp.arguments(ActivateLicenceIn)
@blp.response(200, LicenceActivationOut)
@blp.refuses(LicenceNotFound, LicenceExpired, LicenceRevoked, ActivationLimitReached)
@takes_keys
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
@blp.refuses(LicenceNotFound, ActivationNotFound)
@takes_keys
@blp.doc(**{"x-caller": "holder of the licence key"})
def deactivate_licence(body: dict[str, Any]) -> Response:
    """Deactivate a licence on a machine

    It can then be activated on another machine.
    """
    known = retry_transaction(partial(activations.deactivate, **body))
    return json_response(dump_json(licence_out(known)))


@product_blp.get("/<uuid:product_id>/licence-terms")
@requires(product_blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@product_blp.response(200, LicenceTermsOut)
@product_blp.refuses(ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences)
def get_licence_terms(product_id: UUID) -> Terms:
    """Get the licence terms of a product

    By default a licence can be active on 3 machines and never expires.
    """
    with reading() as session:
        return service.terms_of(session, merchant=live_user(session), product_id=product_id)


@product_blp.put("/<uuid:product_id>/licence-terms")
@requires(product_blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@product_blp.arguments(SetLicenceTermsIn)
@product_blp.response(200, LicenceTermsOut)
@product_blp.refuses(ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences)
def set_licence_terms(body: dict[str, Any], product_id: UUID) -> Terms:
    """Set the licence terms of a product

    Applies to licences sold from now on; existing licences keep their terms.
    """
    with transaction() as session:
        return service.set_terms(
            session, merchant=live_user(session), product_id=product_id, terms=Terms(**body)
        )


@product_blp.get("/<uuid:product_id>/licences")
@requires(product_blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@product_blp.arguments(PageArgs, location="query")
@product_blp.response(200, SoldLicenceList)
@product_blp.refuses(ProductNotFound, UnauthorizedProductAccess)
def list_sold_licences(args: dict[str, Any], product_id: UUID) -> Response:
    """List the sold licences of a product

    Newest first. Keys are masked: only the buyer can see a full key.
    """
    with reading() as session:
        found = service.page_of_product(
            session, merchant=live_user(session), product_id=product_id, **args
        )
    return json_response(dump_json(found.serialized(sold_out)))
