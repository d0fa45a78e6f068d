"""Strict marshmallow fields: each accepts one representation and does not coerce others."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final, TypeVar
from uuid import UUID

import marshmallow as ma
from marshmallow.exceptions import ValidationError

from app.common import clock
from app.common.money import format_minor
from app.common.text import human_text

_DECIMAL_TEXT: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_WHOLE_TEXT: Final = re.compile(r"-?[0-9]{1,19}")
_UUID_TEXT: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_RFC3339: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2}))?", re.A
)


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


class Schema(ma.Schema):
    """camelCase in JSON, snake_case in Python; unknown fields are rejected."""

    error_messages = {"type": "Must be a JSON object."}  # noqa: RUF012 – marshmallow's protocol

    class Meta:
        unknown = ma.RAISE

    def on_bind_field(self, field_name: str, field_obj: ma.fields.Field[Any]) -> None:
        if field_obj.data_key is None:
            field_obj.data_key = camel(field_name)


Serializer = TypeVar("Serializer", bound=Callable[..., dict[str, Any]])

#: Functions that serialize by hand what a schema describes. A test checks each against its schema.
SERIALIZERS: Final[dict[Callable[..., dict[str, Any]], type[ma.Schema]]] = {}


def serializes(schema: type[ma.Schema]) -> Callable[[Serializer], Serializer]:
    """Declare that a function serializes as `schema` describes: `schema.dump` is too slow."""

    def register(function: Serializer) -> Serializer:
        SERIALIZERS[function] = schema
        return function

    return register


class Text(ma.fields.String):
    """A line that people write: as `human_text` returns it, of 1 to `max_length` characters."""

    LINES = False

    def __init__(self, *, max_length: int, min_length: int = 1, **kwargs: Any) -> None:
        # Room for white space, and for characters that are composed.
        self._min_length = min_length
        self._max_typed = 4 * max_length + 100
        super().__init__(validate=ma.validate.Length(min_length, max_length), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if len(value) > self._max_typed:
            return value  # refused by its length
        try:
            text = human_text(value, lines=self.LINES)
        except ValueError as error:
            raise ValidationError(str(error)) from error
        if not text and value.strip() and self._min_length:
            raise ValidationError("Must have characters that can be seen.")
        return text


class TextLines(Text):
    """As Text, of any number of lines."""

    LINES = True


class Metadata(ma.fields.Dict):
    """Data of programs, kept exactly: at most 20 pairs of texts."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            keys=ma.fields.String(validate=ma.validate.Length(1, 40)),
            values=ma.fields.String(validate=ma.validate.Length(0, 500)),
            validate=ma.validate.Length(0, 20),
            **kwargs,
        )


class Choice(ma.fields.String):
    """One of the values of an enumeration."""

    def __init__(self, values: type[StrEnum], **kwargs: Any) -> None:
        super().__init__(validate=ma.validate.OneOf(list(values)), **kwargs)


class ObjectType(ma.fields.Constant[str]):
    """What an object is, where an answer may be one of several: see `openapi.one_of`."""

    def __init__(self, name: str) -> None:
        super().__init__(
            name,
            required=True,
            validate=ma.validate.OneOf([name]),
            metadata={"description": f"Always `{name}`"},
        )


class WholeNumber(ma.fields.Integer):
    """An integer: a JSON integer in a body, ASCII digits in a query string."""

    def __init__(self, *, minimum: int, maximum: int = 2**31 - 1, **kwargs: Any) -> None:
        super().__init__(validate=ma.validate.Range(minimum, maximum), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if type(value) is int:
            return value
        # Only query strings arrive as a MultiDict; there every value is text.
        in_body = type(data) is dict
        if not in_body and isinstance(value, str) and _WHOLE_TEXT.fullmatch(value):
            return int(value)
        raise self.make_error("invalid")


class Flag(ma.fields.Boolean):
    """true or false: the JSON literals in a body, the words in a query string."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if type(value) is bool:
            return value
        if type(data) is not dict and value in ("true", "false"):
            return bool(value == "true")
        raise self.make_error("invalid")


class Amount(ma.fields.Field[Decimal]):
    """An amount in a request: a JSON number or a decimal string, loaded as an exact Decimal.

    How many decimals are allowed depends on the currency, so `Money.of` decides that.
    """

    default_error_messages = {  # noqa: RUF012 – marshmallow's protocol
        "invalid": "Not a valid amount.",
        "range": "Number out of range.",
        "positive": "Must be greater than 0.",
    }

    def __init__(
        self,
        *,
        zero_allowed: bool = False,
        metadata: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.zero_allowed = zero_allowed
        bound = "minimum" if zero_allowed else "exclusiveMinimum"
        documented = {
            "description": "Decimal string or JSON number, used exactly; no more decimal places "
            "than the currency has",
            "pattern": r"^[0-9]{1,30}(\.[0-9]{1,30})?$",
            bound: 0,
        }
        super().__init__(metadata=documented | dict(metadata or {}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        if isinstance(value, str) and _DECIMAL_TEXT.fullmatch(value):
            amount = Decimal(value)
        elif type(value) is int or isinstance(value, Decimal):
            try:
                amount = Decimal(value)
            except (InvalidOperation, ValueError) as error:
                raise self.make_error("range") from error
        else:
            raise self.make_error("invalid")
        if not amount.is_finite() or abs(amount.adjusted()) > 30:
            raise self.make_error("range")
        if amount < 0 or (amount == 0 and not self.zero_allowed):
            raise self.make_error("positive")
        return amount


class Id(ma.fields.UUID):
    """A UUID in its canonical text form."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> UUID:
        if isinstance(value, str) and _UUID_TEXT.fullmatch(value):
            return UUID(value)
        raise self.make_error("invalid_uuid")


class Timestamp(ma.fields.Field[datetime]):
    """RFC 3339. In: a date (midnight UTC) or date-time with offset. Out: UTC, milliseconds, `Z`."""

    default_error_messages = {"invalid": "Not an RFC 3339 date or date-time."}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not _RFC3339.fullmatch(value):
            raise self.make_error("invalid")
        try:
            text = value.upper() if "T" in value.upper() else f"{value}T00:00:00Z"
            time = datetime.fromisoformat(text)
            time.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise self.make_error("invalid") from error
        return time

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return clock.format_timestamp(value)


class DayOrTime(Timestamp):
    """RFC 3339: a date-time with offset, or a date, loaded as `date`: whose midnight, is not known
    here."""

    def __init__(self, *, metadata: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        either = {"anyOf": [{"format": "date-time"}, {"format": "date"}]}
        super().__init__(metadata={**either, **(metadata or {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        time = super()._deserialize(value, attr, data, **kwargs)
        return time.date() if "T" not in value.upper() else time


class MoneyOut(ma.fields.Field[int]):
    """An amount in a response: minor units of the object's `currency` as a decimal string."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        if value is None:
            return None
        currency = obj["currency"] if isinstance(obj, Mapping) else obj.currency
        return format_minor(value, currency)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        raise ValidationError("This field is read-only.")


#: How the OpenAPI document describes our fields: type and format.
OPENAPI_TYPES: Final[dict[type[ma.fields.Field[Any]], tuple[str | list[str], str | None]]] = {
    Text: ("string", None),
    TextLines: ("string", None),
    ObjectType: ("string", None),
    WholeNumber: ("integer", None),
    Flag: ("boolean", None),
    Amount: (["string", "number"], "decimal"),
    Id: ("string", "uuid"),
    Timestamp: ("string", "date-time"),
    DayOrTime: ("string", None),
    MoneyOut: ("string", "decimal"),
}
