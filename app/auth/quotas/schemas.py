"""Schemas of quotas."""

import marshmallow as ma

from app.auth.quotas.quota import Quota
from app.common.fields import Choice, Schema, WholeNumber

_QUOTA = {
    "description": "What is counted: "
    + ", ".join(f"`{quota}` {quota.noun}" for quota in Quota)
    + ". `FILE_BYTES` counts current files; replaced and deleted ones are stored for another day,"
    " and all of them together may take twice the maximum",
    "example": Quota.PRODUCTS.value,
}


class SetUserQuotaIn(Schema):
    quota = Choice(Quota, required=True, metadata=_QUOTA)
    maximum = WholeNumber(
        minimum=0,
        maximum=2**53,
        required=True,
        allow_none=True,
        metadata={
            "description": "New maximum; null for the default of the installation",
            "example": 200_000,
        },
    )


class QuotaOut(Schema):
    quota = Choice(Quota, required=True, metadata=_QUOTA)
    used = ma.fields.Integer(required=True, metadata={"example": 12})
    maximum = ma.fields.Integer(required=True, metadata={"example": 50_000})
    is_own = ma.fields.Boolean(
        required=True,
        metadata={"description": "Whether the maximum was set for this user"},
    )
