"""HTTP of licences: for programs that ask about theirs, and for merchants who sell them."""

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
    "licences", __name__, url_prefix="/licences", description="What programs ask about licences"
)
product_blp = Blueprint(
    "product-licences", __name__, url_prefix="/products", description="Selling licences"
)


@blp.post("/validate")
@blp.arguments(ValidateLicenceIn)
@blp.response(200, LicenceValidationOut)
@blp.refuses(LicenceNotFound)
@takes_keys
@blp.doc(**{"x-caller": "holder of the licence key"})
def validate_licence(body: dict[str, Any]) -> Response:
    """Does a licence hold?

    With `instance`: is it active on that machine, too? For programs; no sign-in. Wrong keys are
    limited per address.
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
    """Use a licence on a machine

    As often as one likes for the same `instance`: nothing changes after the first time.
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
    """Stop using a licence on a machine

    It can be used on another one then.
    """
    known = retry_transaction(partial(activations.deactivate, **body))
    return json_response(dump_json(licence_out(known)))


@product_blp.get("/<uuid:product_id>/licence-terms")
@requires(product_blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@product_blp.response(200, LicenceTermsOut)
@product_blp.refuses(ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences)
def get_licence_terms(product_id: UUID) -> Terms:
    """On what terms are my licences sold?

    On 3 machines at a time, for ever, unless I have said otherwise.
    """
    with reading() as session:
        return service.terms_of(session, merchant=live_user(session), product_id=product_id)


@product_blp.put("/<uuid:product_id>/licence-terms")
@requires(product_blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@product_blp.arguments(SetLicenceTermsIn)
@product_blp.response(200, LicenceTermsOut)
@product_blp.refuses(ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences)
def set_licence_terms(body: dict[str, Any], product_id: UUID) -> Terms:
    """Set the terms of my licences

    For those sold from now on; the others keep theirs.
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
    """The licences of my product that were sold, newest first

    Masked: only who bought one sees its key.
    """
    with reading() as session:
        found = service.page_of_product(
            session, merchant=live_user(session), product_id=product_id, **args
        )
    return json_response(dump_json(found.serialized(sold_out)))
