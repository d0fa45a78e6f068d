"""Schemas of licences."""

from typing import Any

import marshmallow as ma

from app.auth.schemas import Email
from app.common.clock import format_timestamp
from app.common.examples import EXAMPLE_ID
from app.common.fields import Choice, Flag, Id, Schema, Text, Timestamp, WholeNumber, serializes
from app.common.pagination import PageArgs, SortablePageArgs, page_of
from app.delivery.goods_schemas import revocation_fields
from app.delivery.licences.activations import (
    ActiveLicence,
    InvalidReason,
    LicenceDetails,
    LicenceValidation,
)
from app.delivery.licences.files import LicenceFile
from app.delivery.licences.keys import parse_key
from app.delivery.licences.models import (
    MAX_ACTIVATIONS,
    MAX_DAYS,
    LicenceActivation,
    LicenceStatus,
)
from app.delivery.licences.service import MaskedLicence, default_per_30_days

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


class CreateLicenceFileIn(_KeyIn):
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
    activations_per_30_days = WholeNumber(
        allow_none=True,
        minimum=1,
        maximum=MAX_ACTIVATIONS,
        metadata={
            "description": "Maximum number of activations per licence in any 30 days, so that many"
            " machines cannot take turns; null for no limit. Three times `activationLimit` if it is"
            " left out",
            "example": 9,
        },
    )

    @ma.post_load
    def _limits(self, body: dict[str, Any], **_: Any) -> dict[str, Any]:
        machines = body["activation_limit"]
        per_30_days = body.setdefault("activations_per_30_days", default_per_30_days(machines))
        if machines is not None and per_30_days is not None and per_30_days < machines:
            raise ma.ValidationError(
                "Must not be less than activationLimit.", "activationsPer30Days"
            )
        return body


class LicenceTermsOut(Schema):
    activation_limit = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 3})
    valid_days = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 365})
    activations_per_30_days = ma.fields.Integer(
        required=True, allow_none=True, metadata={"example": 9}
    )
    is_applying = ma.fields.Boolean(
        required=True,
        metadata={"description": "Whether a job is applying the terms to sold licences"},
    )
    applied = ma.fields.Integer(
        required=True,
        metadata={"description": "Licences changed by the last application", "example": 0},
    )
    applied_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={
            "description": "When terms were last applied to sold licences (UTC); null if never"
        },
    )


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
    created_at = Timestamp(required=True, metadata={"description": "When it was sold (UTC)"})
    activations_per_30_days = ma.fields.Integer(
        required=True, allow_none=True, metadata={"example": 9}
    )
    revoked_at = Timestamp(required=True, allow_none=True)
    revocation_reason, replaced_by = revocation_fields()
    order_number = ma.fields.String(required=True)


class SoldLicencesArgs(SortablePageArgs):
    buyer_email = Email(metadata={"description": "Only licences of the buyer with this address"})
    order_id = Id(metadata={"description": "Only licences of this order", "example": EXAMPLE_ID})
    is_revoked = Flag(metadata={"description": "Only licences that are revoked, or that are not"})


class ActivationsArgs(PageArgs):
    include_past = Flag(
        load_default=False,
        metadata={"description": "Also machines on which the licence is no longer active"},
    )


class MachineOut(Schema):
    """A machine on which a licence is or was active."""

    id = ma.fields.UUID(required=True, metadata={"description": "ID of the activation"})
    instance = ma.fields.String(required=True, metadata={"example": "a3f1c9e2-workstation"})
    label = ma.fields.String(
        required=True, allow_none=True, metadata={"example": "Alice's workstation"}
    )
    activated_at = Timestamp(required=True)
    last_seen_at = Timestamp(
        required=True,
        metadata={"description": "When the application last validated there (UTC), to the hour"},
    )
    deactivated_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "When it ended (UTC); null while it is active"},
    )


MachineList = page_of(MachineOut)


class LicenceFileOut(Schema):
    """A signed licence, for a machine without a connection."""

    content = ma.fields.String(
        required=True,
        metadata={
            "description": "JSON Web Signature in compact form, `EdDSA` with Ed25519",
            "example": "eyJhbGciOiJFZERTQSIsInR5cCI6ImxpY2VuY2Urand0In0.eyJzdWIiOiIwMTk5In0.c2ln",
        },
    )
    issued_at = Timestamp(required=True, metadata={"description": "When it was signed (UTC)"})
    expires_at = Timestamp(
        required=True,
        metadata={"description": "Until when it can be used (UTC): 30 days, or until the licence"},
    )


class PublicKeyOut(Schema):
    """A JSON Web Key (RFC 7517) of Ed25519 (RFC 8037)."""

    kty = ma.fields.String(required=True, metadata={"description": "`OKP`", "example": "OKP"})
    crv = ma.fields.String(
        required=True, metadata={"description": "`Ed25519`", "example": "Ed25519"}
    )
    x = ma.fields.String(
        required=True,
        metadata={
            "description": "The public key",
            "example": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        },
    )
    alg = ma.fields.String(required=True, metadata={"description": "`EdDSA`", "example": "EdDSA"})
    use = ma.fields.String(required=True, metadata={"description": "`sig`", "example": "sig"})
    kid = ma.fields.String(
        required=True,
        metadata={
            "description": "Its thumbprint (RFC 7638), as in the header of the files that it signs",
            "example": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        },
    )


class PublicKeySetOut(Schema):
    """A JSON Web Key Set (RFC 7517)."""

    keys = ma.fields.List(
        ma.fields.Nested(PublicKeyOut),
        required=True,
        metadata={"description": "The key that signs first, then those that have signed or will"},
    )


SoldLicenceList = page_of(SoldLicenceOut)


class DeliveredLicenceOut(Schema):
    id = ma.fields.UUID(required=True, metadata={"example": EXAMPLE_ID})
    key = ma.fields.String(required=True, metadata={"example": "7K3QF-9WZ2M-4TBXH-8RJ5N-C6DYP"})
    status = Choice(LicenceStatus, required=True, metadata={"example": "ACTIVE"})
    activation_limit = ma.fields.Integer(required=True, allow_none=True)
    activations = ma.fields.Integer(required=True)
    expires_at = Timestamp(required=True, allow_none=True)
    revocation_reason, replaced_by = revocation_fields()


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
        "activationsPer30Days": licence.activations_per_30_days,
        "revokedAt": format_timestamp(licence.revoked_at),
        "revocationReason": licence.revocation_reason,
        "replacedBy": licence.replaced_by,
        "orderNumber": sold.order_number,
    }


@serializes(MachineOut)
def machine_out(activation: LicenceActivation) -> dict[str, Any]:
    """Serialized as MachineOut."""
    return {
        "id": activation.id,
        "instance": activation.instance,
        "label": activation.label,
        "activatedAt": format_timestamp(activation.activated_at),
        "lastSeenAt": format_timestamp(activation.seen_at or activation.activated_at),
        "deactivatedAt": format_timestamp(activation.deactivated_at),
    }


@serializes(LicenceFileOut)
def licence_file_out(file: LicenceFile) -> dict[str, Any]:
    """Serialized as LicenceFileOut."""
    return {
        "content": file.content,
        "issuedAt": format_timestamp(file.issued_at),
        "expiresAt": format_timestamp(file.expires_at),
    }
