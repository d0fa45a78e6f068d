"""Schemas of uploads in parts."""

from typing import Any

import marshmallow as ma

from app.common.clock import format_timestamp
from app.common.fields import Schema, Timestamp, WholeNumber, serializes
from app.delivery.files.uploads.models import FileUploadPart
from app.delivery.files.uploads.service import Progress, expires_at

_SHA256 = ma.validate.Regexp("^[0-9a-f]{64}$", error="Must be 64 hexadecimal digits.")
_MEDIA_TYPE = ma.validate.Regexp(
    r"^[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}$", error="Must be a media type."
)


class CreateFileUploadIn(Schema):
    name = ma.fields.String(
        required=True, metadata={"description": "Name of the file", "example": "course.zip"}
    )
    media_type = ma.fields.String(
        load_default="application/octet-stream",
        validate=_MEDIA_TYPE,
        metadata={"example": "application/zip"},
    )
    size = WholeNumber(
        required=True,
        minimum=1,
        maximum=2**53 - 1,
        metadata={"description": "Size of the file in bytes", "example": 734_003_200},
    )


class CompleteFileUploadIn(Schema):
    sha256 = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=_SHA256,
        metadata={
            "description": "SHA-256 of the whole file in hexadecimal digits; if it is not that of"
            " the bytes that were received, the file is refused",
            "example": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        },
    )


class FilePartOut(Schema):
    number = ma.fields.Integer(required=True, metadata={"description": "From 1", "example": 1})
    sha256 = ma.fields.String(
        required=True, metadata={"description": "SHA-256 of the part in hexadecimal digits"}
    )


class FileUploadOut(Schema):
    """An unfinished upload, with what was received."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True, metadata={"example": "course.zip"})
    media_type = ma.fields.String(required=True, metadata={"example": "application/zip"})
    size = ma.fields.Integer(required=True, metadata={"description": "Size of the file in bytes"})
    part_size = ma.fields.Integer(
        required=True,
        metadata={
            "description": "Size in bytes of every part but the last, which has the rest",
            "example": 8_388_608,
        },
    )
    received_bytes = ma.fields.Integer(
        required=True, metadata={"description": "Bytes of the parts that were received"}
    )
    parts = ma.fields.List(
        ma.fields.Nested(FilePartOut),
        required=True,
        metadata={"description": "The parts that were received, by number"},
    )
    expires_at = Timestamp(
        required=True, metadata={"description": "When it is deleted unless it is completed"}
    )


@serializes(FilePartOut)
def part_out(part: FileUploadPart) -> dict[str, Any]:
    """Serialized as FilePartOut."""
    return {"number": part.number, "sha256": part.sha256}


@serializes(FileUploadOut)
def upload_out(progress: Progress) -> dict[str, Any]:
    """Serialized as FileUploadOut."""
    upload = progress.upload
    return {
        "id": str(upload.id),
        "name": upload.name,
        "mediaType": upload.media_type,
        "size": upload.size,
        "partSize": upload.part_size,
        "receivedBytes": progress.received_bytes,
        "parts": [part_out(part) for part in progress.parts],
        "expiresAt": format_timestamp(expires_at(upload)),
    }
