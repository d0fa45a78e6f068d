"""JSON of the API: parsed with exact numbers, serialized as compact bytes."""

import json
import re
from codecs import BOM_UTF8
from decimal import Decimal
from typing import Any, NoReturn

import orjson

from app.common.errors import BadRequest

_NUL_ESCAPE = re.compile(rb"(?<!\\)(\\\\)*\\u0000")
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
        if _SURROGATE_ESCAPE.search(raw):
            # A surrogate pair can be encoded; a lone surrogate cannot.
            json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedJson(f"{MalformedJson.message}: see {where}") from error
    except UnicodeDecodeError as error:
        raise MalformedJson("The request body is not UTF-8") from error
    except UnicodeEncodeError as error:
        raise MalformedJson("The request body contains half of a surrogate pair") from error
    except RecursionError as error:
        raise MalformedJson("The request body is nested too deeply") from error
    except (ValueError, ArithmeticError) as error:
        raise MalformedJson("The request body contains a number with too many digits") from error
    if _NUL_ESCAPE.search(raw):
        raise MalformedJson("The request body contains the character NUL")
    return value


def dump_json(value: Any) -> bytes:
    """Compact JSON bytes; UUIDs and Decimals as strings."""
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
