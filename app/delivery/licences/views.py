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
from app.common.ratelimit import per_address, per_caller
from app.common.replica import may_lag
from app.delivery.goods_schemas import RevokeIn
from app.delivery.licences import activations, files, management, service, tasks
from app.delivery.licences.errors import (
    ActivationLimitReached,
    ActivationNotFound,
    LicenceExpired,
    LicenceNotFound,
    LicenceRevoked,
    ProductHasNoLicences,
    TooManyActivations,
)
from app.delivery.licences.models import LicenceTerms
from app.delivery.licences.schemas import (
    ActivateLicenceIn,
    ActivationsArgs,
    CreateLicenceFileIn,
    DeactivateLicenceIn,
    LicenceActivationOut,
    LicenceFileOut,
    LicenceOut,
    LicenceTermsOut,
    LicenceValidationOut,
    MachineList,
    PublicKeySetOut,
    SetLicenceTermsIn,
    SoldLicenceList,
    SoldLicenceOut,
    SoldLicencesArgs,
    ValidateLicenceIn,
    activation_out,
    licence_file_out,
    licence_out,
    machine_out,
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
_SOLD_ERRORS: Final = (
    ProductNotFound,
    UnauthorizedProductAccess,
    ProductHasNoLicences,
    LicenceNotFound,
    LicenceRevoked,
)

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
    if (seen := validation.seen_activation_id) is not None:
        retry_transaction(partial(activations.record_seen, activation_id=seen))
    return json_response(dump_json(validation_out(validation)))


@blp.post("/activate")
@blp.arguments(ActivateLicenceIn)
@blp.response(200, LicenceActivationOut)
@blp.errors(
    LicenceNotFound, LicenceExpired, LicenceRevoked, ActivationLimitReached, TooManyActivations
)
@limits_key_guessing
@blp.doc(**{"x-caller": "holder of the licence key"})
def activate_licence(body: dict[str, Any]) -> Response:
    """Activate a licence on a machine

    Activating it again for the same `instance` has no effect. A licence can be activated on so many
    machines at a time, and so often in any 30 days: `possibleAt` says when it is possible again.
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


@blp.post("/file")
@blp.arguments(CreateLicenceFileIn)
@blp.response(200, LicenceFileOut)
@blp.errors(LicenceNotFound, LicenceExpired, LicenceRevoked, ActivationNotFound)
@limits_key_guessing
@blp.doc(**{"x-caller": "holder of the licence key"})
def create_licence_file(body: dict[str, Any]) -> Response:
    """Create a licence file

    Returns a signed file with which the application checks the licence without a connection, on a
    machine where it is active. It can be used for 30 days; get a new one before.
    """
    with reading() as session:
        active = activations.require_active(session, **body)
    return json_response(dump_json(licence_file_out(files.sign(active))))


@blp.get("/keys")
@blp.response(200, PublicKeySetOut)
def list_licence_keys() -> dict[str, Any]:
    """List the public keys of licence files

    A JSON Web Key Set, with which an application verifies licence files. Needs no sign-in.
    """
    return {"keys": files.public_keys()}


@blp.get("/<uuid:licence_id>/activations")
@requires(blp, scope=Scope.DELIVERY_READ)
@blp.arguments(ActivationsArgs, location="query")
@blp.response(200, MachineList)
@blp.errors(LicenceNotFound)
def list_licence_activations(args: dict[str, Any], licence_id: UUID) -> Response:
    """List the machines of a licence

    Newest first. Visible to the buyer and the merchant of the licence.
    """
    with reading() as session:
        found = activations.list_activations(
            session, user=current_user(session), licence_id=licence_id, **args
        )
    return json_response(dump_json(found.serialized(machine_out)))


@blp.delete("/<uuid:licence_id>/activations/<uuid:activation_id>")
@requires(blp, scope=Scope.DELIVERY_WRITE)
@idempotent(blp)
@blp.response(204)
@blp.errors(LicenceNotFound, ActivationNotFound, TooManyActivations)
def delete_licence_activation(licence_id: UUID, activation_id: UUID) -> None:
    """Free a machine of a licence

    The licence is no longer active there, so that it can be activated on another machine. For the
    merchant always, and the activation then no longer counts towards `activationsPer30Days`; for
    the buyer only while that limit allows another activation.
    """
    retry_transaction(
        lambda session: activations.free(
            session,
            user=current_user(session),
            licence_id=licence_id,
            activation_id=activation_id,
        )
    )


@product_blp.get("/<uuid:product_id>/licence-terms")
@requires(product_blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@product_blp.response(200, LicenceTermsOut)
@product_blp.errors(ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences)
def get_licence_terms(product_id: UUID) -> LicenceTerms:
    """Get the licence terms of a product

    By default a licence can be active on 3 machines, can be activated 9 times in 30 days, and never
    expires.
    """
    with reading() as session:
        return service.require_terms(session, merchant=current_user(session), product_id=product_id)


@product_blp.put("/<uuid:product_id>/licence-terms")
@requires(product_blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@product_blp.arguments(SetLicenceTermsIn)
@idempotent(product_blp)
@product_blp.response(200, LicenceTermsOut)
@product_blp.errors(ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences)
def set_licence_terms(body: dict[str, Any], product_id: UUID) -> LicenceTerms:
    """Set the licence terms of a product

    Applies to licences sold from now on; existing licences keep their terms until
    `POST …/licence-terms/apply`.
    """
    with transaction() as session:
        return service.set_terms(
            session,
            merchant=current_user(session),
            product_id=product_id,
            limits=LicenceLimits(**body),
        )


@product_blp.post("/<uuid:product_id>/licence-terms/apply")
@requires(product_blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@per_caller("60/minute")
@idempotent(product_blp)
@product_blp.response(202, LicenceTermsOut)
@product_blp.errors(ProductNotFound, UnauthorizedProductAccess, ProductHasNoLicences)
def apply_licence_terms(product_id: UUID) -> LicenceTerms:
    """Apply the licence terms of a product to sold licences

    A job gives all licences that are not revoked the present terms: get the terms for its progress.
    `validDays` counts from the sale, so that licences can expire at once, or be valid again. A
    licence that is active on more machines than the terms allow keeps these, and has their number
    as its limit.
    """
    with transaction() as session:
        terms = management.request_application(
            session, merchant=current_user(session), product_id=product_id
        )
        tasks.enqueue_application(session, product_id)
    return terms


@product_blp.post("/<uuid:product_id>/licences/<uuid:licence_id>/revoke")
@requires(product_blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@product_blp.arguments(RevokeIn)
@idempotent(product_blp)
@product_blp.response(200, SoldLicenceOut)
@product_blp.errors(*_SOLD_ERRORS)
def revoke_licence(body: dict[str, Any], product_id: UUID, licence_id: UUID) -> Response:
    """Revoke a licence

    Without a refund. The licence is no longer valid, and its buyer sees the reason. A later refund
    of the order takes it back first; it can also still be reissued.
    """
    revoked = retry_transaction(
        lambda session: management.revoke(
            session,
            merchant=current_user(session),
            product_id=product_id,
            licence_id=licence_id,
            **body,
        )
    )
    return json_response(dump_json(sold_licence_out(revoked)))


@product_blp.post("/<uuid:product_id>/licences/<uuid:licence_id>/reissue")
@requires(product_blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@product_blp.arguments(RevokeIn)
@per_caller("60/minute")
@idempotent(product_blp)
@product_blp.response(201, SoldLicenceOut)
@product_blp.errors(*_SOLD_ERRORS)
def reissue_licence(body: dict[str, Any], product_id: UUID, licence_id: UUID) -> Response:
    """Reissue a licence

    Returns the new licence, whose key its buyer sees in the delivery. It has the terms and the
    expiry of the old one, which is revoked, and is active on no machine.
    """
    reissued = retry_transaction(
        lambda session: management.reissue(
            session,
            merchant=current_user(session),
            product_id=product_id,
            licence_id=licence_id,
            **body,
        )
    )
    return json_response(dump_json(sold_licence_out(reissued)), 201)


@product_blp.get("/<uuid:product_id>/licences")
@requires(product_blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@product_blp.arguments(SoldLicencesArgs, location="query")
@product_blp.response(200, SoldLicenceList)
@product_blp.errors(ProductNotFound, UnauthorizedProductAccess)
@may_lag
def list_sold_licences(args: dict[str, Any], product_id: UUID) -> Response:
    """List the sold licences of a product

    Newest first. Keys are masked: only the buyer can see a full key. They are stored encrypted, so
    licences are found by buyer or order, not by a part of the key.
    """
    with reading() as session:
        found = service.list_licences(
            session, merchant=current_user(session), product_id=product_id, **args
        )
    return json_response(dump_json(found.serialized(sold_licence_out)))
