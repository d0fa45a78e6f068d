"""Values of labels that the application uses."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from app.common.settings import PROJECT_ROOT
from tests.deploy.exported import application
from tests.deploy.promql import selectors


@cache
def _in_code() -> frozenset[str]:
    """Every text and every name of a class (as `wallet_purchase`) in the code."""
    return frozenset(_names())


def _names() -> Iterator[str]:
    for path in (PROJECT_ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.ClassDef):
                yield re.sub(r"(?<!^)(?=[A-Z])", "_", node.name).lower()


def unused(query: str) -> list[str]:
    """The values that a query compares labels of our metrics with, and that no code has."""
    return [
        value
        for one in selectors(query)
        if one.name in application()
        for values in one.labels.values()
        for value in values
        if re.fullmatch(r"[\w-]+", value)
        and value not in _in_code()
        # Of the metrics of requests: the status, and what `str(bool).lower()` makes.
        and value not in ("true", "false")
    ]
