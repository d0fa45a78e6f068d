"""TypeScript declarations of the API for the console's scripts, from the OpenAPI document."""

from pathlib import Path
from typing import Any, Final

from app.docs.reference import operations_of

FILE: Final = Path(__file__).parent / "static" / "api" / "schema.d.ts"

_HEAD: Final = "// Generated from the OpenAPI document by `./flow api --write`. Do not edit.\n"
_PRIMITIVES: Final = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
    "object": "Record<string, any>",
}


def as_typescript(document: dict[str, Any], *, prefix: str) -> str:
    """One interface per schema, and `Operations` with query, body and answer of each operation.

    prefix: of every path, such as `/api/v1`; the names of operations leave it out.
    """
    lines = [_HEAD]
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines.append(f"export interface {name} {_object(schema)}\n")
    lines.append("export interface Operations {")
    for path, method, operation in operations_of(document):
        lines.append(f'  "{method.upper()} {path.removeprefix(prefix)}": {_operation(operation)};')
    return "\n".join(lines) + "\n}\n"


def _operation(operation: dict[str, Any]) -> str:
    query = [
        f"{_name(parameter['name'])}?: {_type(parameter['schema'])}"
        for parameter in operation.get("parameters", ())
        if parameter.get("in") == "query"
    ]
    body = _content(operation.get("requestBody", {}))
    answers = [
        _content(response)
        for status, response in sorted(operation["responses"].items())
        if status.startswith("2")
    ]
    answer = " | ".join(dict.fromkeys(answers))
    return f"{{ query: {{ {'; '.join(query)} }}; body: {body}; answer: {answer} }}"


def _content(part: dict[str, Any]) -> str:
    schema = part.get("content", {}).get("application/json", {}).get("schema")
    return "null" if schema is None else _type(schema)


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    for union in ("oneOf", "anyOf"):
        if union in schema:
            return " | ".join(dict.fromkeys(map(_type, schema[union])))
    if "allOf" in schema:
        return " & ".join(map(_type, schema["allOf"]))
    if "enum" in schema:
        return " | ".join(_literal(value) for value in schema["enum"])
    kinds = schema.get("type", [])
    names = [kinds] if isinstance(kinds, str) else kinds
    return " | ".join(_named(name, schema) for name in names) or "any"


def _named(kind: str, schema: dict[str, Any]) -> str:
    if kind == "array":
        return f"({_type(schema['items'])})[]"
    if kind == "object" and "properties" in schema:
        return _object(schema)
    return _PRIMITIVES[kind]


def _object(schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    fields = [
        f"{_name(name)}{'' if name in required else '?'}: {_type(field)};"
        for name, field in schema.get("properties", {}).items()
    ]
    return f"{{ {' '.join(fields)} }}"


def _name(text: str) -> str:
    return text if text.isidentifier() else f'"{text}"'


def _literal(value: Any) -> str:
    return "null" if value is None else f'"{value}"' if isinstance(value, str) else str(value)
