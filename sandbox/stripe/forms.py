"""Stripe's request bodies: forms with brackets, `line_items[0][price_data][currency]=usd`."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range

from sandbox.common.money import CURRENCIES
from sandbox.stripe.errors import ApiError

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
_MAX_DEPTH = 6


def parse_brackets(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The fields of a form as nested dicts. Raises ApiError."""
    parsed: dict[str, Any] = {}
    for name, value in fields:
        match = _NAME.fullmatch(name)
        path = [match[1], *_PART.findall(match[2])] if match else []
        if not 1 <= len(path) <= _MAX_DEPTH:
            raise ApiError(f"Invalid parameter name: {name[:100]}", param=name[:100])
        _put(parsed, path, value, name)
    return parsed


def _put(parsed: dict[str, Any], path: list[str], value: str, name: str) -> None:
    target = parsed
    for part in path[:-1]:
        inner = target.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ApiError(f"Invalid object: {name}", param=name)
        target = inner
    if path[-1] in target:
        raise ApiError(f"Received several values for {name}", param=name)
    target[path[-1]] = value


def load(schema: type[ma.Schema], fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Validate the fields of a form with a schema. Raises ApiError."""
    try:
        loaded: dict[str, Any] = schema().load(parse_brackets(fields))
    except ma.ValidationError as error:
        param, message = _first_error(error.messages_dict)
        unknown = message == "Unknown field."
        raise ApiError(
            f"Received unknown parameter: {param}" if unknown else f"Invalid {param}: {message}",
            code="parameter_unknown" if unknown else None,
            param=param,
        ) from error
    return loaded


def _first_error(messages: Mapping[Any, Any], path: str = "") -> tuple[str, str]:
    """The first invalid parameter, in the bracket notation, and its message."""
    name, error = next(iter(messages.items()))
    here = f"{path}[{name}]" if path else str(name)
    return _first_error(error, here) if isinstance(error, dict) else (here, str(error[0]))


class Metadata(ma.fields.Dict):
    """Key-value pairs of the merchant."""

    def __init__(self) -> None:
        super().__init__(load_default=dict)

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> dict[str, str]:
        found: dict[str, Any] = super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]
        for name, text in found.items():
            if not isinstance(text, str) or not 1 <= len(name) <= 40 or len(text) > 500:
                raise ma.ValidationError(
                    {name: ["At most 40 characters for the key and 500 for the value."]}
                )
        if len(found) > 50:
            raise ma.ValidationError("At most 50 keys.")
        return found


class _ProductData(ma.Schema):
    name = ma.fields.String(required=True, validate=Length(1, 250))
    description = ma.fields.String(validate=Length(1, 1000))


class _PriceData(ma.Schema):
    currency = ma.fields.String(
        required=True, validate=OneOf([currency.lower() for currency in CURRENCIES])
    )
    unit_amount = ma.fields.Integer(required=True, validate=Range(1, 99_999_999_999))
    product_data = ma.fields.Nested(_ProductData, required=True)


class _LineItem(ma.Schema):
    quantity = ma.fields.Integer(required=True, validate=Range(1, 999_999))
    price_data = ma.fields.Nested(_PriceData, required=True)


class _IntentData(ma.Schema):
    metadata = Metadata()
    description = ma.fields.String(validate=Length(0, 1000))


class SessionIn(ma.Schema):
    """The subset of Stripe's parameters that Payment Flow uses."""

    mode = ma.fields.String(required=True, validate=OneOf(["payment"]))
    payment_method_types = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.String(validate=OneOf(["card"]))
    )
    line_items = ma.fields.Nested(
        ma.Schema.from_dict({"0": ma.fields.Nested(_LineItem, required=True)}), required=True
    )
    success_url = ma.fields.Url(
        required=True, schemes={"http", "https"}, require_tld=False, validate=Length(max=5000)
    )
    cancel_url = ma.fields.Url(
        load_default=None, schemes={"http", "https"}, require_tld=False, validate=Length(max=5000)
    )
    client_reference_id = ma.fields.String(load_default=None, validate=Length(1, 200))
    customer_email = ma.fields.Email(load_default=None, validate=Length(max=800))
    metadata = Metadata()
    payment_intent_data = ma.fields.Nested(_IntentData, load_default=dict)
    expires_at = ma.fields.Integer(load_default=None)


class RefundIn(ma.Schema):
    payment_intent = ma.fields.String(required=True)
    amount = ma.fields.Integer(load_default=None, validate=Range(1))
    reason = ma.fields.String(
        load_default=None, validate=OneOf(["duplicate", "fraudulent", "requested_by_customer"])
    )
    metadata = Metadata()


class EmptyIn(ma.Schema):
    """A body without parameters."""
