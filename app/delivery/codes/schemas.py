"""Schemas of codes and uploads."""

from typing import Any

import marshmallow as ma

from app.common.clock import format_timestamp
from app.common.fields import Choice, Flag, Schema, Text, Timestamp, serializes
from app.common.pagination import PageArgs, page_of
from app.delivery.codes.ingestion import PREVIEWED, Preview
from app.delivery.codes.models import CodeStatus, CodeUpload, UploadStatus
from app.delivery.codes.service import MaskedCode, RevokedCode
from app.delivery.goods_schemas import revocation_fields

TEXT_EXAMPLE = "GIFT-7F3A-21C9\nGIFT-0B6E-84D1\n"
CSV_EXAMPLE = "code\r\nGIFT-7F3A-21C9\r\nGIFT-0B6E-84D1\r\n"


class UploadCodesArgs(Schema):
    column = Text(
        max_length=500,
        metadata={
            "description": "Columns that are sold together, separated by commas: their names, or"
            " their positions from 1",
            "example": "code,pin",
        },
    )
    header = Flag(metadata={"description": "Whether the first row has the names of the columns"})
    allow_damaged = Flag(
        load_default=False,
        metadata={
            "description": "Whether values that look as if a spreadsheet had damaged them are sold"
        },
    )
    dry_run = Flag(
        load_default=False, metadata={"description": "Only show what would be sold; adds nothing"}
    )

    @ma.post_load
    def _layout(self, args: dict[str, Any], **_: Any) -> dict[str, Any]:
        columns = args.pop("column", "").split(",")
        return {
            "columns": [name.strip() for name in columns if name.strip()],
            "header": args.get("header"),
            "allow_damaged": args["allow_damaged"],
            "dry_run": args["dry_run"],
        }


class CodeFilePreviewOut(Schema):
    """How a file of codes is understood."""

    header = ma.fields.List(
        ma.fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "Names of the columns; null if the first row has none"},
    )
    columns = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "Columns that are sold together", "example": ["code"]},
    )
    total = ma.fields.Integer(
        required=True, metadata={"description": "Codes in the file", "example": 3}
    )
    duplicates = ma.fields.Integer(
        required=True,
        metadata={"description": "Codes that the product or the file already has", "example": 1},
    )
    codes = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={
            "description": f"The first {PREVIEWED} codes, as buyers will see them",
            "example": ["GIFT-7F3A-21C9"],
        },
    )


class CodeUploadOut(Schema):
    """A file of codes. `added` and `duplicates` increase until their sum is `total`."""

    id = ma.fields.UUID(required=True)
    status = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(list(UploadStatus)),
        metadata={
            "description": "RECEIVING while the file is being uploaded; FAILED if the product was "
            "deleted before all codes were added",
            "example": "COMPLETED",
        },
    )
    total = ma.fields.Integer(
        required=True, metadata={"description": "Codes in the file", "example": 3}
    )
    added = ma.fields.Integer(
        required=True, metadata={"description": "Codes added so far", "example": 2}
    )
    duplicates = ma.fields.Integer(
        required=True,
        metadata={"description": "Codes that the product already has or has had", "example": 1},
    )
    duplicate_lines = ma.fields.List(
        ma.fields.Integer(),
        required=True,
        metadata={"description": "Line numbers of the first 100 duplicates", "example": [3]},
    )
    created_at = Timestamp(required=True)
    closed_at = Timestamp(required=True, allow_none=True)


CodeUploadList = page_of(CodeUploadOut)


class CodesArgs(PageArgs):
    status = ma.fields.String(
        validate=ma.validate.OneOf(list(CodeStatus)),
        metadata={"description": "Only codes with this status"},
    )


class ProductCodeOut(Schema):
    """A code as its merchant sees it."""

    id = ma.fields.UUID(required=True)
    code = ma.fields.String(
        required=True,
        metadata={
            "description": "Masked: the last four characters, but never more than half",
            "example": "••••21C9",
        },
    )
    status = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(list(CodeStatus)),
        metadata={
            "description": "SOLD includes codes reserved for an order",
            "example": "SOLD",
        },
    )
    order_id = ma.fields.UUID(required=True, allow_none=True)
    taken_at = Timestamp(
        required=True, allow_none=True, metadata={"description": "When it was sold or reserved"}
    )
    seen_at = Timestamp(
        required=True, allow_none=True, metadata={"description": "When the buyer first saw it"}
    )
    revoked_at = Timestamp(required=True, allow_none=True)
    order_number = ma.fields.String(required=True, allow_none=True)
    revocation_reason, replaced_by = revocation_fields()


ProductCodeList = page_of(ProductCodeOut)


class ProductCodeSummaryOut(Schema):
    """The number of codes by status."""

    available = ma.fields.Integer(required=True, metadata={"example": 98})
    sold = ma.fields.Integer(required=True, metadata={"example": 2})
    revoked = ma.fields.Integer(required=True, metadata={"example": 0})


class RevokedCodeOut(Schema):
    """A code that its merchant or a refund has revoked, as its buyer sees it."""

    code = ma.fields.String(
        required=True, metadata={"description": "Masked", "example": "••••ABCD"}
    )
    status = Choice(CodeStatus, required=True, metadata={"example": "REVOKED"})
    reason = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "The merchant's; null if a refund revoked it",
            "example": "The code does not work",
        },
    )
    revoked_at = Timestamp(required=True)
    is_replaced = ma.fields.Boolean(
        required=True, metadata={"description": "Whether `codes` has another one in its place"}
    )


class DeliveredCodesOut(Schema):
    codes = ma.fields.List(ma.fields.String(metadata={"example": "GIFT-1234-ABCD"}))
    revoked_codes = ma.fields.List(
        ma.fields.Nested(RevokedCodeOut),
        metadata={
            "description": "Codes that the merchant or a refund has revoked, as far as the buyer"
            " has seen them"
        },
    )


@serializes(CodeFilePreviewOut)
def preview_out(preview: Preview) -> dict[str, Any]:
    """Serialized as CodeFilePreviewOut."""
    return {
        "header": preview.header,
        "columns": preview.columns,
        "total": preview.total,
        "duplicates": preview.duplicates,
        "codes": preview.codes,
    }


@serializes(CodeUploadOut)
def upload_out(upload: CodeUpload) -> dict[str, Any]:
    """Serialized as CodeUploadOut."""
    return {
        "id": upload.id,
        "status": upload.status,
        "total": upload.total,
        "added": upload.added,
        "duplicates": upload.duplicates,
        "duplicateLines": upload.duplicate_lines,
        "createdAt": format_timestamp(upload.created_at),
        "closedAt": format_timestamp(upload.closed_at),
    }


@serializes(ProductCodeOut)
def code_out(masked: MaskedCode) -> dict[str, Any]:
    """Serialized as ProductCodeOut."""
    return {
        "id": masked.code.id,
        "code": masked.masked,
        "status": masked.status.value,
        "orderId": masked.code.order_id,
        "takenAt": format_timestamp(masked.code.taken_at),
        "seenAt": format_timestamp(masked.code.seen_at),
        "revokedAt": format_timestamp(masked.code.revoked_at),
        "revocationReason": masked.code.revocation_reason,
        "replacedBy": masked.code.replaced_by,
        "orderNumber": masked.order_number,
    }


@serializes(RevokedCodeOut)
def revoked_code_out(revoked: RevokedCode) -> dict[str, Any]:
    """Serialized as RevokedCodeOut."""
    return {
        "code": revoked.masked,
        "status": CodeStatus.REVOKED.value,
        "reason": revoked.reason,
        "revokedAt": format_timestamp(revoked.revoked_at),
        "isReplaced": revoked.is_replaced,
    }


@serializes(ProductCodeSummaryOut)
def summary_out(counts: dict[str, int]) -> dict[str, Any]:
    """Serialized as ProductCodeSummaryOut."""
    return {status.value.lower(): counts[status] for status in CodeStatus}
