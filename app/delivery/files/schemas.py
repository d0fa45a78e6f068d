"""Schemas of files."""

from typing import Any

import marshmallow as ma

from app.common.clock import format_timestamp
from app.common.fields import Schema, Timestamp, serializes
from app.delivery.files.service import CurrentFile


class UploadArgs(Schema):
    name = ma.fields.String(
        metadata={
            "description": "Name of the file, if there is no Content-Disposition",
            "example": "field-guide.pdf",
        }
    )


class ProductFileOut(Schema):
    """The current file of a product, as its merchant sees it."""

    name = ma.fields.String(required=True, metadata={"example": "field-guide.pdf"})
    size = ma.fields.Integer(required=True, metadata={"description": "Size in bytes"})
    media_type = ma.fields.String(required=True, metadata={"example": "application/pdf"})
    sha256 = ma.fields.String(required=True, metadata={"description": "SHA-256 in hexadecimal"})
    version = ma.fields.Integer(required=True, metadata={"description": "Counts from 1"})
    uploaded_at = Timestamp(required=True)
    downloads = ma.fields.Integer(
        required=True, metadata={"description": "Downloads of all versions by all buyers"}
    )


class DownloadAllowanceOut(Schema):
    downloads_left = ma.fields.Integer(required=True, metadata={"example": 5})


class DeliveredFileOut(Schema):
    name = ma.fields.String(required=True, metadata={"example": "course.zip"})
    size = ma.fields.Integer(required=True, metadata={"description": "Size in bytes"})
    media_type = ma.fields.String(required=True, metadata={"example": "application/zip"})
    sha256 = ma.fields.String(required=True)
    url = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Valid until `expiresAt`; null when no downloads are left"},
    )
    expires_at = Timestamp(required=True, allow_none=True)
    downloads_left = ma.fields.Integer(required=True)


class DeliveredFilesOut(Schema):
    files = ma.fields.List(ma.fields.Nested(DeliveredFileOut))


@serializes(ProductFileOut)
def file_out(current: CurrentFile) -> dict[str, Any]:
    """Serialized as ProductFileOut."""
    file, content = current.file, current.content
    return {
        "name": file.name,
        "size": content.size,
        "mediaType": file.media_type,
        "sha256": content.sha256,
        "version": file.version,
        "uploadedAt": format_timestamp(file.uploaded_at),
        "downloads": current.downloads,
    }
