"""Schemas of licences."""

from typing import Any

import marshmallow as ma

from app.common.clock import format_timestamp
from app.common.fields import Choice, Schema, Text, Timestamp, WholeNumber, serializes
from app.common.pagination import page_of
from app.delivery.licences.activations import (
    ActiveLicence,
    InvalidReason,
    LicenceDetails,
    LicenceValidation,
)
from app.delivery.licences.keys import parse_key
from app.delivery.licences.models import MAX_ACTIVATIONS, MAX_DAYS, LicenceStatus
from app.delivery.licences.service import MaskedLicence

KEY_EXAMPLE = "7Z3QK-M0T8V-X4R1D-9HWYB-2C6ES"


class LicenceKey(ma.fields.String):
    """A licence key, normalized to its original format."""

    default_error_messages = {  # noqa: RUF012 – marshmallow's protocol
        "mistyped": "Not a valid licence key: check it for typing errors."
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        key = parse_key(super()._deserialize(value, attr, data, **kwargs))
        if key is None:
            raise self.make_error("mistyped")
        return key


def _instance(*, required: bool) -> Text:
    return Text(
        max_length=200,
        required=required,
        metadata={
            "description": "Identifies the machine to the application",
            "example": "a3f1c9e2-workstation",
        },
    )


class _KeyIn(Schema):
    key = LicenceKey(
        required=True,
        metadata={
            "description": "Case, dashes and spaces are ignored; O is read as 0, I and L as 1",
            "example": KEY_EXAMPLE,
        },
    )


class ValidateLicenceIn(_KeyIn):
    instance = _instance(required=False)


class ActivateLicenceIn(_KeyIn):
    instance = _instance(required=True)
    label = Text(
        max_length=200,
        load_default=None,
        allow_none=True,
        metadata={"description": "Display name of the machine", "example": "Alice's workstation"},
    )


class DeactivateLicenceIn(_KeyIn):
    instance = _instance(required=True)


class LicenceOut(Schema):
    """A licence as the holder of its key sees it."""

    product_id = ma.fields.UUID(required=True)
    product_name = ma.fields.String(required=True, metadata={"example": "Field Guide Pro"})
    status = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(list(LicenceStatus)),
        metadata={"example": "ACTIVE"},
    )
    expires_at = Timestamp(required=True, allow_none=True)
    activation_limit = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Maximum number of machines; null for no limit", "example": 3},
    )
    activations = ma.fields.Integer(
        required=True, metadata={"description": "Number of active machines", "example": 1}
    )
    activations_left = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 2})


class LicenceValidationOut(LicenceOut):
    valid = ma.fields.Boolean(required=True)
    reason = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf([*InvalidReason, None]),
        metadata={"description": "Why it is not valid", "example": "NOT_ACTIVATED"},
    )


class LicenceActivationOut(LicenceOut):
    instance = ma.fields.String(required=True, metadata={"example": "a3f1c9e2-workstation"})
    label = ma.fields.String(required=True, allow_none=True)
    activated_at = Timestamp(required=True)


class SetLicenceTermsIn(Schema):
    activation_limit = WholeNumber(
        required=True,
        allow_none=True,
        minimum=1,
        maximum=MAX_ACTIVATIONS,
        metadata={
            "description": "Maximum number of active machines per licence; null for no limit",
            "example": 3,
        },
    )
    valid_days = WholeNumber(
        required=True,
        allow_none=True,
        minimum=1,
        maximum=MAX_DAYS,
        metadata={"description": "Days from the sale until expiry; null: never", "example": 365},
    )


class LicenceTermsOut(Schema):
    activation_limit = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 3})
    valid_days = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 365})


class SoldLicenceOut(Schema):
    """A licence as its merchant sees it."""

    id = ma.fields.UUID(required=True)
    key = ma.fields.String(required=True, metadata={"description": "Masked", "example": "••••C6ES"})
    status = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(list(LicenceStatus)),
        metadata={"example": "ACTIVE"},
    )
    order_id = ma.fields.UUID(required=True)
    activation_limit = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 3})
    activations = ma.fields.Integer(required=True, metadata={"example": 1})
    expires_at = Timestamp(required=True, allow_none=True)
    created_at = Timestamp(required=True)
    order_number = ma.fields.String(required=True)


SoldLicenceList = page_of(SoldLicenceOut)


class DeliveredLicenceOut(Schema):
    key = ma.fields.String(required=True, metadata={"example": "7K3QF-9WZ2M-4TBXH-8RJ5N-C6DYP"})
    status = Choice(LicenceStatus, required=True, metadata={"example": "ACTIVE"})
    activation_limit = ma.fields.Integer(required=True, allow_none=True)
    activations = ma.fields.Integer(required=True)
    expires_at = Timestamp(required=True, allow_none=True)


class DeliveredLicencesOut(Schema):
    licences = ma.fields.List(ma.fields.Nested(DeliveredLicenceOut))


@serializes(LicenceOut)
def licence_out(details: LicenceDetails) -> dict[str, Any]:
    """Serialized as LicenceOut."""
    licence = details.licence
    limit = licence.activation_limit
    return {
        "productId": licence.product_id,
        "productName": details.product_name,
        "status": details.status.value,
        "expiresAt": format_timestamp(licence.expires_at),
        "activationLimit": limit,
        "activations": licence.activations,
        "activationsLeft": None if limit is None else limit - licence.activations,
    }


@serializes(LicenceValidationOut)
def validation_out(validation: LicenceValidation) -> dict[str, Any]:
    """Serialized as LicenceValidationOut."""
    return {
        "valid": validation.reason is None,
        "reason": validation.reason,
        **licence_out(validation.details),
    }


@serializes(LicenceActivationOut)
def activation_out(active: ActiveLicence) -> dict[str, Any]:
    """Serialized as LicenceActivationOut."""
    return {
        "instance": active.activation.instance,
        "label": active.activation.label,
        "activatedAt": format_timestamp(active.activation.activated_at),
        **licence_out(active.details),
    }


@serializes(SoldLicenceOut)
def sold_licence_out(sold: MaskedLicence) -> dict[str, Any]:
    """Serialized as SoldLicenceOut."""
    licence = sold.licence
    return {
        "id": licence.id,
        "key": sold.masked,
        "status": sold.status.value,
        "orderId": licence.order_id,
        "activationLimit": licence.activation_limit,
        "activations": licence.activations,
        "expiresAt": format_timestamp(licence.expires_at),
        "createdAt": format_timestamp(licence.created_at),
        "orderNumber": sold.order_number,
    }
