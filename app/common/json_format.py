"""JSON of the API: parsed with exact numbers, serialized as compact bytes."""

import json
import re
from codecs import BOM_UTF8
from decimal import Decimal
from typing import Any, Final, NoReturn

import orjson

from app.common.errors import BadRequest

_NUL_ESCAPE = re.compile(rb"(?<!\\)(\\\\)*\\u0000")
#: What PostgreSQL cannot store.
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


class MalformedJson(BadRequest):
    code = "MALFORMED_JSON"
    message = "The request body is not valid JSON"


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object as a dict. Raises MalformedJson if a name occurs twice.

    Parsers differ in which of the values they take (RFC 8259, section 4), so a proxy or a log
    could have seen another one than we do.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise MalformedJson("An object in the request body contains the same name twice")
    return found


def _reject_constant(name: str) -> NoReturn:
    raise MalformedJson(f"The request body contains {name}, which is not JSON")


def parse_json(raw: bytes) -> Any:
    """RFC 8259 JSON with numbers kept exact (int or Decimal).

    A byte order mark is skipped (section 8.1).
    Raises MalformedJson for anything else: bad UTF-8, NaN and Infinity, nesting too deep,
    numbers too long, a name twice in an object, and text that PostgreSQL cannot store (NUL, lone
    surrogates).
    """
    try:
        value = json.loads(
            raw.removeprefix(BOM_UTF8).decode("utf-8"),
            parse_float=Decimal,
            parse_constant=_reject_constant,
            object_pairs_hook=_unique_names,
        )
        if _SURROGATE_ESCAPE.search(raw) or _NUL_ESCAPE.search(raw):
            _require_storable(value, "")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedJson(f"{MalformedJson.message}: see {where}") from error
    except UnicodeDecodeError as error:
        raise MalformedJson("The request body is not UTF-8") from error
    except RecursionError as error:
        raise MalformedJson("The request body is nested too deeply") from error
    except (ValueError, ArithmeticError) as error:
        raise MalformedJson("The request body contains a number with too many digits") from error
    return value


def _require_storable(value: Any, path: str) -> None:
    """Raises MalformedJson with the path of a text that PostgreSQL cannot store."""
    if isinstance(value, dict):
        for name, part in value.items():
            _require_storable(name, path)
            _require_storable(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            _require_storable(part, f"{path}[{number}]")
    elif isinstance(value, str) and (found := _UNSTORABLE.search(value)) is not None:
        what = "the character NUL" if found[0] == "\0" else "half of a surrogate pair"
        raise MalformedJson(
            f"The request body contains {what}",
            details={path: [f"Must not contain {what}."]} if path else {},
        )


def dump_json(value: Any) -> bytes:
    """Compact JSON bytes; UUIDs and Decimals as strings."""
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
