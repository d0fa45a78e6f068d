"""Schemas of what other systems send."""

import marshmallow as ma
from marshmallow.validate import Equal, Length

from app.common.fields import Id, Schema, Text, TextLines
from app.events.catalogue.notifications import NotificationRequest


class _Message(Schema):
    class Meta:
        unknown = ma.EXCLUDE  # further attributes and fields may come with later versions


class NotificationRequestDataIn(_Message):
    user_id = Id(required=True)
    subject = Text(required=True, max_length=200)
    text = TextLines(required=True, max_length=5000)
    link = ma.fields.Url(schemes={"https"}, allow_none=True, validate=Length(max=2000))


class NotificationRequestIn(_Message):
    """A CloudEvent, of which `source` and `id` together are unique."""

    specversion = ma.fields.String(required=True, validate=Equal("1.0"))
    id = ma.fields.String(required=True, validate=Length(1, 255))
    source = ma.fields.String(required=True, validate=Length(1, 2000))
    type = ma.fields.String(required=True, validate=Equal(NotificationRequest.event_type))
    data = ma.fields.Nested(NotificationRequestDataIn, required=True)
