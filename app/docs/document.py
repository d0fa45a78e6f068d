"""Completes the OpenAPI document with what is the same everywhere."""

from collections.abc import Iterator
from typing import Any, Final

from app.docs.errors import codes_of
from app.docs.glossary import GLOSSARY
from app.docs.reference import operations_of

#: The groups of operations in the order of the document, with the blueprints of each.
GROUPS: Final = {
    "Accounts": (
        "Users, sign-in, API keys and quotas",
        ("auth", "passwords", "handles", "two-factor", "api-keys", "stream-tickets", "quotas"),
    ),
    "Wallet": (
        "The caller's wallet, holds, reviews and statements",
        ("wallet", "holds", "reviews", "statements", "insights"),
    ),
    "Banks": (
        "Deposits from a bank and payouts to one",
        ("onramp", "bank-accounts", "payouts"),
    ),
    "Transfers": (
        "Money between users, on request or with a printed code",
        ("transfers", "receipts", "payment-requests", "merchant-codes"),
    ),
    "Products": (
        "What merchants sell, with its images and categories, and their shops",
        ("products", "product-bulk", "product-images", "images", "categories", "coupons", "shops"),
    ),
    "Digital goods": (
        "Codes, licences and files that are delivered",
        (
            "product-codes",
            "product-licences",
            "licences",
            "files",
            "file-uploads",
            "downloads",
            "giveaways",
        ),
    ),
    "Orders": (
        "Purchases from the wallet or by card, and a merchant's sales",
        ("orders", "order-pages", "checkouts", "sales", "sales-insights"),
    ),
    "Refunds": ("Refunds, and requests for them", ("refunds", "refund-requests")),
    "Events": ("What other systems are told of", ("events",)),
    "Notifications": ("What happened, and who is told how", ("notifications",)),
    "Webhooks": (
        "Where merchants receive events, and where banks and the payment gateway report, signed",
        ("webhook-endpoints", "bank-webhooks", "gateway-webhooks"),
    ),
    "Administration": (
        "For administrators only",
        (
            "admin-accounts",
            "admin-users",
            "admin-quotas",
            "admin-wallets",
            "admin-categories",
            "admin-fees",
            "admin-orders",
            "admin-refunds",
            "admin-banking",
            "admin-events",
            "admin-traffic",
            "admin-insights",
            "admin-risk",
            "admin-risk-cases",
            "admin-risk-backtests",
            "admin-risk-models",
            "reconciliation",
            "admin-audit",
        ),
    ),
}
_GROUP_OF: Final = {name: group for group, (_, names) in GROUPS.items() for name in names}


#: Every operation is rate limited (https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/).
_LIMIT_HEADERS: Final = {
    "RateLimit-Policy": {
        "description": "The rate limits that this request counts towards: `q` requests in any `w`"
        " seconds",
        "schema": {"type": "string"},
        "example": '"30000-in-60s";q=30000;w=60',
    },
    "RateLimit": {
        "description": "What is left of each: `r` requests, and more after `t` seconds",
        "schema": {"type": "string"},
        "example": '"30000-in-60s";r=29987;t=41',
    },
}
_LIMITED: Final = {name: {"$ref": f"#/components/headers/{name}"} for name in _LIMIT_HEADERS}


#: Fields that a request requires unless it says so otherwise, by schema.
REQUIRED_BY_DEFAULT: Final = {"CreateProduct": ("availableUnits",)}


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its server, licence, groups and glossary.

    document: as flask-smorest generates it, where each blueprint is a tag. It is changed.
    """
    document["info"]["contact"] = {"name": "Payment Flow"}
    document["info"]["license"] = {"name": "MIT", "identifier": "MIT"}
    document["servers"] = [{"url": "/", "description": "The host that sends this document"}]
    document["tags"] = [{"name": group, "description": text} for group, (text, _) in GROUPS.items()]
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        for field, described in schema.get("properties", {}).items():
            text = GLOSSARY.get(f"{name}.{field}") or GLOSSARY.get(field)
            if text is not None:
                if not _may_be_null(described):
                    text = text.partition("; null")[0]
                described.setdefault("description", text)
    schemas["Error"]["properties"]["error"] |= {
        "description": "Stable code; `/api/errors/{code}` explains it",
        "enum": list(codes_of(document)),
    }
    document["components"]["headers"] = _LIMIT_HEADERS
    for path, method, operation in operations_of(document):
        for response in operation["responses"].values():
            response.setdefault("headers", {}).update(_LIMITED)
            content = response.get("content", {}).get("application/json", {})
            for example in content.get("examples", {}).values():
                if "statusCode" in example["value"]:
                    example["value"] |= {"path": path, "method": method.upper()}
        operation.setdefault("security", [])  # nobody need sign in
        operation["tags"] = [_GROUP_OF[tag] for tag in operation["tags"]]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if content and "example" not in content:
            content["example"] = _smallest(content["schema"], schemas)
    for described in _schemas(document):
        # Python ends a pattern with \Z, and begins at the start of the text by itself.
        pattern = described.get("pattern")
        if isinstance(pattern, str) and pattern.endswith(r"\Z"):
            described["pattern"] = "^" + pattern.removesuffix(r"\Z") + "$"
    return document


def _may_be_null(schema: dict[str, Any]) -> bool:
    variants = (*schema.get("anyOf", ()), *schema.get("oneOf", ()))
    return "null" in schema.get("type", ()) or any(map(_may_be_null, variants))


def _smallest(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """The example of a request with only what is required; of one field if nothing is."""
    name = schema.get("$ref", "").rpartition("/")[2]
    schema = schemas.get(name, schema)
    if "example" in schema:
        return schema["example"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [_smallest(schema["items"], schemas)]
    fields = schema.get("properties", {})
    names = schema.get("required") or list(fields)[:1]
    names = [*names, *REQUIRED_BY_DEFAULT.get(name, ())]
    return {name: _smallest(fields[name], schemas) for name in names} if fields else True


def _schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document, at any depth."""
    if isinstance(node, dict):
        yield node
        for part in node.values():
            yield from _schemas(part)
    elif isinstance(node, list):
        for part in node:
            yield from _schemas(part)
