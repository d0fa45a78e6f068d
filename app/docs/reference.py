"""The tables of endpoints in docs/api.md, generated from the OpenAPI document."""

from collections.abc import Iterator
from typing import Any, Final

from app.common.generated import replace_generated
from app.common.settings import PROJECT_ROOT

PAGE: Final = PROJECT_ROOT / "docs" / "api.md"

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_HEAD: Final = (
    "| method | path | operation | who | scope | what |",
    "|---|---|---|---|---|---|",
)


def as_markdown(document: dict[str, Any], *, prefix: str) -> str:
    """One table per tag, sorted by path, and the names of all schemas.

    prefix: of every path, such as `/api/v1`; the tables leave it out.
    """
    lines: list[str] = []
    for tag in document["tags"]:
        rows = [
            _row(method, path.removeprefix(prefix), operation)
            for path, method, operation in operations_of(document)
            if operation["tags"] == [tag["name"]]
        ]
        lines += ["", f"## {tag['name']}", "", f"{tag['description']}.", "", *_HEAD, *rows]
    lines += [
        "",
        "## Schemas",
        "",
        *(f"- `{name}`" for name in sorted(document["components"]["schemas"])),
    ]
    return "\n".join(lines) + "\n\n"


def updated(page: str, document: dict[str, Any], *, prefix: str) -> str:
    """The text of the page with its generated part up to date."""
    return replace_generated(page, "endpoints", as_markdown(document, prefix=prefix))


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of every operation, sorted."""
    for path, item in sorted(document["paths"].items()):
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _row(method: str, path: str, operation: dict[str, Any]) -> str:
    cells = (
        method.upper(),
        f"`{path}`",
        f"`{operation['operationId']}`",
        _who(operation),
        _scope(operation),
        operation["summary"] + _marks(operation),
    )
    return f"| {' | '.join(cells)} |"


def _who(operation: dict[str, Any]) -> str:
    if not operation.get("security"):
        return str(operation.get("x-caller", "anyone"))
    return ", ".join(operation.get("x-required-roles", ("signed in",)))


def _scope(operation: dict[str, Any]) -> str:
    if scope := operation.get("x-required-scope"):
        return f"`{scope}`"
    return "never" if operation.get("security") else "–"


def _marks(operation: dict[str, Any]) -> str:
    headers = {parameter["name"] for parameter in operation.get("parameters", ())}
    marks = ""
    if "Idempotency-Key" in headers:
        marks += " \\*"
    if "X-Two-Factor-Code" in headers:
        marks += " \\*\\*"
    return marks
