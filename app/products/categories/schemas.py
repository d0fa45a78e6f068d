"""Schemas of categories."""

from typing import Final

import marshmallow as ma

from app.common.fields import Schema, Text, Timestamp

#: The validators of a slug.
SLUG: Final = (
    ma.validate.Length(1, 50),
    ma.validate.Regexp(
        r"[a-z0-9]+(-[a-z0-9]+)*\Z",
        error="Must be lower-case letters and digits, joined by single hyphens.",
    ),
)
_SLUG: Final = {
    "description": "Name in URLs: lower-case letters, digits and hyphens; it cannot be changed",
    "example": "audio-books",
}


class CreateCategoryIn(Schema):
    slug = ma.fields.String(
        required=True,
        validate=SLUG,
        metadata=_SLUG,
    )
    name = Text(max_length=100, required=True, metadata={"example": "Audio books"})


class UpdateCategoryIn(Schema):
    name = Text(max_length=100, required=True, metadata={"example": "Audiobooks"})


class CategoryOut(Schema):
    id = ma.fields.UUID(required=True)
    slug = ma.fields.String(required=True, metadata=_SLUG)
    name = ma.fields.String(required=True, metadata={"example": "Audio books"})
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)
