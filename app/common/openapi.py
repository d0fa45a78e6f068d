"""Generation of the OpenAPI document: its names, and what decorators of views add to it.

Client generators derive types from component names, functions from operation IDs and arguments
from path parameters, so these names are part of the API. All of them are derived here.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any, Final, TypeVar

import flask_smorest
import marshmallow as ma
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls
from flask_smorest.spec.plugins import FlaskPlugin
from werkzeug.routing import Rule

from app.common.errors import AppError
from app.common.examples import EXAMPLE_ID
from app.common.fields import camel

View = TypeVar("View", bound=Callable[..., Any])

#: Objects of the demo data with this ID, so that paths can be tried in Swagger UI.
_DEMO_SUBJECTS: Final = ("product", "user", "merchant")

#: Suffixes that distinguish the schema of a request body from that of a response.
_SUFFIXES: Final = ("In", "Out")


def operation_id(view: Callable[..., Any]) -> str:
    """`createOrder` for the view function `create_order`."""
    return camel(view.__name__)


def component_name(schema: type[ma.Schema] | ma.Schema | str) -> str:
    """`CreateOrder` for the schema `CreateOrderIn`, `Order` for `OrderOut`."""
    name: str = resolve_schema_cls(schema).__name__  # type: ignore[union-attr]
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def one_of(*schemas: type[ma.Schema]) -> dict[str, Any]:
    """An answer with one of several shapes, told apart by the field `object` that each has."""
    names = {schema().fields["object"].constant: component_name(schema) for schema in schemas}  # type: ignore[attr-defined]
    mapping = {object_: f"#/components/schemas/{name}" for object_, name in names.items()}
    return {
        "oneOf": list(schemas),
        "discriminator": {"propertyName": "object", "mapping": mapping},
    }


def path_parameter(name: str, description: str) -> dict[str, str]:
    """The description of a path parameter that is not an ID: `parameters=[…]`."""
    return {"in": "path", "name": name, "description": description}


class _PathParameters(FlaskPlugin):  # type: ignore[misc]
    """Describes path parameters that are IDs; routes describe the others themselves."""

    def rule_to_params(self, rule: Rule) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super().rule_to_params(rule)
        for parameter in parameters:
            subject, _, kind = parameter["name"].rpartition("_")
            if kind == "id":
                parameter["description"] = f"ID of the {subject.replace('_', ' ')}"
                if subject in _DEMO_SUBJECTS:
                    parameter["example"] = EXAMPLE_ID
        return parameters


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """flask-smorest's blueprint with operation IDs and cumulative decorators."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks += [
            self._prepare_operation_id_doc,
            self._prepare_headers_doc,
            self._prepare_remarks_doc,
        ]

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, **options: Any
    ) -> None:
        documentation = _documentation_of(view_func)
        documentation["operation_id"] = operation_id(view_func)
        documentation["query_names"] = frozenset(_query_names(documentation))
        super().add_url_rule(rule, endpoint, view_func, **options)

    def errors(self, *errors: type[AppError]) -> Callable[[View], View]:
        """Document the errors of an endpoint, in addition to those of every endpoint."""
        return self._add("errors", *errors)

    def takes_header(self, parameter: Mapping[str, Any]) -> Callable[[View], View]:
        """Document a request header."""
        return self._add("headers", {"in": "header", **parameter})

    def remark(self, text: str) -> Callable[[View], View]:
        """Add text to the description of an endpoint."""
        return self._add("remarks", text)

    @staticmethod
    def _add(section: str, *entries: Any) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            documentation = _documentation_of(view)
            documentation[section] = [*documentation.get(section, ()), *entries]
            return view

        return decorate

    @staticmethod
    def _prepare_operation_id_doc(
        doc: dict[str, Any], doc_info: dict[str, Any], **_: Any
    ) -> dict[str, Any]:
        return {"operationId": doc_info["operation_id"], **doc}

    @staticmethod
    def _prepare_headers_doc(
        doc: dict[str, Any], doc_info: dict[str, Any], **_: Any
    ) -> dict[str, Any]:
        if headers := doc_info.get("headers"):
            doc["parameters"] = [*doc.get("parameters", ()), *headers]
        return doc

    @staticmethod
    def _prepare_remarks_doc(
        doc: dict[str, Any], doc_info: dict[str, Any], **_: Any
    ) -> dict[str, Any]:
        text = doc_info["docstring"]
        if remarks := doc_info.get("remarks"):
            text["description"] = "\n\n".join([text.get("description", ""), *remarks]).strip()
        return doc


def accepted_query_names(view: Any) -> frozenset[str] | None:
    """Names of the query parameters that a view accepts; None if it is not part of the API."""
    documentation: dict[str, Any] = getattr(view, "_apidoc", {})
    return documentation.get("query_names")


def _query_names(documentation: Mapping[str, Any]) -> Iterator[str]:
    for parameter in documentation.get("arguments", {}).get("parameters", ()):
        if parameter["in"] == "query":
            yield from (field.data_key for field in parameter["schema"].load_fields.values())
    for parameter in documentation.get("manual_doc", {}).get("parameters", ()):
        if parameter["in"] == "query":
            yield parameter["name"]


def _documentation_of(view: Any) -> dict[str, Any]:
    """The documentation of a view so far; a copy, because wrappers share it."""
    view._apidoc = deepcopy(getattr(view, "_apidoc", {}))
    return view._apidoc  # type: ignore[no-any-return]


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest's API with these names."""

    # Every blueprint lists its errors one by one, so there is no "default" response.
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _init_spec(self, **options: Any) -> None:
        super()._init_spec(
            flask_plugin=_PathParameters(),
            marshmallow_plugin=MarshmallowPlugin(schema_name_resolver=component_name),
            **options,
        )

    def _register_pagination_header(self) -> None:
        """Pages have their `meta` in the body, so flask-smorest's header is not documented."""
