"""The conditions of a rule: JSON that administrators write, checked and typed.

A node is a condition, or a group: `{"all": [nodes]}` holds if every node does, `{"any": [nodes]}`
if one does. A condition names a field, an operator and a value, and for fields that look back a
window: `{"field": "count", "window": "MINUTE", "operator": ">", "value": 10}`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from app.common.errors import BadRequest
from app.common.money import EXPONENTS
from app.risk.models import ListName, PaymentKind

#: A group in a group in a group: more than that, nobody can read.
MAX_DEPTH: Final = 3
MAX_CONDITIONS: Final = 30
_MAX_VALUES: Final = 100
_MAX_TEXT: Final = 500
_KEYS: Final = frozenset({"field", "operator", "value", "window", "model"})


class Window(StrEnum):
    MINUTE = "MINUTE"
    HOUR = "HOUR"
    DAY = "DAY"
    MONTH = "MONTH"


#: The lengths of the rolling windows.
WINDOWS: Final = {
    Window.MINUTE: timedelta(minutes=1),
    Window.HOUR: timedelta(hours=1),
    Window.DAY: timedelta(days=1),
    Window.MONTH: timedelta(days=30),
}


#: The windows that the features of models look back on.
MODEL_WINDOWS: Final = (Window.HOUR, Window.DAY, Window.MONTH)


class Setting(StrEnum):
    """A value that is a setting: `{"setting": "RISK_REVIEW_ABOVE"}`."""

    REVIEW_ABOVE = "RISK_REVIEW_ABOVE"


class Type(StrEnum):
    AMOUNT = "AMOUNT"  # a decimal string, in units of the currency
    NUMBER = "NUMBER"  # a whole number
    TEXT = "TEXT"
    FLAG = "FLAG"


@dataclass(frozen=True, slots=True)
class Field:
    """What a condition can be about.

    needs_window: whether it counts what happened within a window; values: the only ones it has;
    needs_model: whether it names a model; form, form_text: what all of its values look like.
    """

    type: Type
    description: str
    needs_window: bool = False
    values: tuple[str, ...] | None = None
    needs_model: bool = False
    form: str = ""
    form_text: str = ""


#: Every field by the name that rules use.
FIELDS: Final[dict[str, Field]] = {
    "amount": Field(Type.AMOUNT, "Amount of the payment"),
    "currency": Field(Type.TEXT, "Its currency", values=tuple(EXPONENTS)),
    "type": Field(Type.TEXT, "What moves the money", values=tuple(PaymentKind)),
    "count": Field(Type.NUMBER, "Payments of the user, this one included", True),
    "sum": Field(Type.AMOUNT, "Sum of the user's payments, this one included", True),
    "receivers": Field(Type.NUMBER, "Different users whom the user pays, this one included", True),
    "refused": Field(Type.NUMBER, "Refused attempts of the user", True),
    "refusedAtAddress": Field(
        Type.NUMBER, "Refused attempts of all users at this address, approximately", True
    ),
    "share": Field(Type.NUMBER, "Amount in per cent of what is available in the wallet"),
    "accountAge": Field(Type.NUMBER, "Age of the account in hours"),
    "newDevice": Field(Type.FLAG, "Whether the user's device is known for less than a day"),
    "newAddress": Field(Type.FLAG, "Whether the user's address is known for less than a day"),
    "country": Field(
        Type.TEXT,
        "Country of the address, if a proxy tells it",
        form="[A-Z]{2}",
        form_text='two capital letters, such as "DE"',
    ),
    "hour": Field(Type.NUMBER, "Hour of the day in the user's time zone, 0 to 23"),
    "merchant": Field(Type.TEXT, "ID of the merchant who is paid"),
    "productKind": Field(
        Type.TEXT,
        "Kind of the product that is bought",
        form="[A-Z_]+",
        form_text='a kind in capital letters, such as "FILE"',
    ),
    "coupon": Field(Type.FLAG, "Whether a coupon is used"),
    "list": Field(
        Type.TEXT, "The list that knows the user, BLOCK before ALLOW", values=(*ListName,)
    ),
    "modelScore": Field(Type.NUMBER, "Score of a trained model, 0 to 10,000", needs_model=True),
}

_ORDERED: Final = ("<", "<=", ">", ">=")
_EQUAL: Final = ("=", "!=")
_AMONG: Final = ("in", "not in")
#: The operators of each type.
OPERATORS: Final[dict[Type, tuple[str, ...]]] = {
    Type.AMOUNT: _ORDERED,
    Type.NUMBER: (*_ORDERED, *_EQUAL),
    Type.TEXT: (*_EQUAL, *_AMONG),
    Type.FLAG: _EQUAL,
}


class ConditionsInvalid(BadRequest):
    """A rule that cannot be evaluated. Its details say where."""

    message = "The conditions of the rule are invalid"

    def __init__(self, problem: str, *, at: str = "conditions") -> None:
        super().__init__(details={at: [problem]})

    @classmethod
    def example(cls) -> "ConditionsInvalid":
        return cls("Unknown field.", at="conditions.all.0.field")


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison. value: of the type of its field; a Decimal or Setting for amounts."""

    field: str
    operator: str
    value: Any
    window: Window | None = None
    model: str | None = None

    @property
    def input(self) -> str:
        """The name of what it reads among the inputs of a decision."""
        if self.model is not None:
            return f"{self.field}.{self.model}"
        return self.field if self.window is None else f"{self.field}.{self.window}"


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes that must all hold, or of which one must."""

    needs_all: bool
    nodes: tuple["Condition | Group", ...]

    def conditions(self) -> Iterator[Condition]:
        for node in self.nodes:
            if isinstance(node, Group):
                yield from node.conditions()
            else:
                yield node


def parse(data: Any) -> Group:
    """The conditions of a rule, from JSON. The outermost node is a group.

    Raises ConditionsInvalid.
    """
    parsed = _group(data, "conditions", depth=1)
    if sum(1 for _ in parsed.conditions()) > MAX_CONDITIONS:
        raise ConditionsInvalid(f"At most {MAX_CONDITIONS} conditions.")
    return parsed


def require_valid(data: Any) -> None:
    """Check the conditions of a new rule: also that payments can have the values.

    Raises ConditionsInvalid.
    """
    for condition in parse(data).conditions():
        field, value = FIELDS[condition.field], condition.value
        values = value if isinstance(value, frozenset) else {value}
        if field.form and not all(re.fullmatch(field.form, each) for each in values):
            raise ConditionsInvalid(f"{condition.field} must be {field.form_text}.")


def _group(data: Any, at: str, *, depth: int) -> Group:
    if not isinstance(data, dict) or len(data) != 1 or next(iter(data)) not in ("all", "any"):
        raise ConditionsInvalid('Must be {"all": […]} or {"any": […]}.', at=at)
    ((name, nodes),) = data.items()
    at = f"{at}.{name}"
    if depth > MAX_DEPTH:
        raise ConditionsInvalid(f"Groups can be nested {MAX_DEPTH} deep.", at=at)
    if not isinstance(nodes, list) or not nodes:
        raise ConditionsInvalid("Must be a list of conditions.", at=at)
    return Group(
        name == "all",
        tuple(
            _group(node, f"{at}.{n}", depth=depth + 1)
            if isinstance(node, dict) and "field" not in node
            else _condition(node, f"{at}.{n}")
            for n, node in enumerate(nodes)
        ),
    )


def _condition(data: Any, at: str) -> Condition:
    if not isinstance(data, dict) or data.keys() - _KEYS:
        raise ConditionsInvalid("Must have field, operator, value and, if needed, window.", at=at)
    name = data.get("field")
    field = FIELDS.get(name) if isinstance(name, str) else None
    if field is None or not isinstance(name, str):
        raise ConditionsInvalid(f"Must be one of: {', '.join(FIELDS)}.", at=f"{at}.field")
    operator = data.get("operator")
    if operator not in OPERATORS[field.type]:
        allowed = ", ".join(OPERATORS[field.type])
        raise ConditionsInvalid(f"Must be one of: {allowed}.", at=f"{at}.operator")
    window = data.get("window")
    if field.needs_window and window not in tuple(Window):
        raise ConditionsInvalid(f"Must be one of: {', '.join(Window)}.", at=f"{at}.window")
    if not field.needs_window and window is not None:
        raise ConditionsInvalid("This field has no window.", at=f"{at}.window")
    model = data.get("model")
    if field.needs_model:
        model = _id(model, f"{at}.model", "a model")
    elif model is not None:
        raise ConditionsInvalid("This field has no model.", at=f"{at}.model")
    value = _value(field, name, operator, data.get("value"), f"{at}.value")
    return Condition(name, operator, value, Window(window) if window else None, model)


def _value(field: Field, name: str, operator: str, value: Any, at: str) -> Any:
    if operator not in _AMONG:
        return _single(field, name, value, at)
    if not isinstance(value, list) or not 0 < len(value) <= _MAX_VALUES:
        raise ConditionsInvalid(f"Must be a list of up to {_MAX_VALUES} values.", at=at)
    return frozenset(_single(field, name, each, at) for each in value)


def _single(field: Field, name: str, value: Any, at: str) -> Any:
    if field.type is Type.AMOUNT:
        return _amount(value, at)
    if field.type is Type.NUMBER:
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**31:
            raise ConditionsInvalid("Must be a whole number.", at=at)
        return value
    if field.type is Type.FLAG:
        if not isinstance(value, bool):
            raise ConditionsInvalid("Must be true or false.", at=at)
        return value
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT:
        raise ConditionsInvalid("Must be text.", at=at)
    if field.values is not None and value not in field.values:
        raise ConditionsInvalid(f"Must be one of: {', '.join(field.values)}.", at=at)
    if name == "merchant":
        return _id(value, at, "a user")
    return value


def _amount(value: Any, at: str) -> Decimal | Setting:
    if isinstance(value, dict):
        if value.keys() != {"setting"} or value["setting"] not in tuple(Setting):
            raise ConditionsInvalid(f"Must name one of: {', '.join(Setting)}.", at=at)
        return Setting(value["setting"])
    try:
        amount = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or not 0 <= amount < 10**15:
        raise ConditionsInvalid('Must be an amount such as "5000.00".', at=at)
    return amount


def _id(value: Any, at: str, of: str) -> str:
    try:
        return str(UUID(value if isinstance(value, str) else ""))
    except ValueError:
        raise ConditionsInvalid(f"Must be the ID of {of}.", at=at) from None
