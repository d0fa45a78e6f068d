"""Every input that could be guessed has a budget: each text input of the API is classed here."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app.attempts import budgets
from app.attempts.budgets import Budget
from app.docs.views import document_of

METHODS = {"get", "put", "post", "patch", "delete"}

#: Inputs that can be guessed, and the budget that every operation with one of them must have.
GUESSABLE = {
    "password": budgets.PASSWORDS,
    "currentPassword": budgets.PASSWORDS,
    "code": budgets.SECOND_FACTORS,
    "phoneCode": budgets.PHONE_CODES,
    "X-Two-Factor-Code": budgets.SECOND_FACTORS,
    "couponCode": budgets.COUPON_CODES,
    "key": budgets.LICENCE_KEYS,
    "payment_request_token": budgets.PAYMENT_LINKS,
    "merchant_code_token": budgets.PAYMENT_LINKS,
    "giveaway_token": budgets.GIVEAWAY_LINKS,
    "email": budgets.USER_LOOKUPS,
    "phone": budgets.USER_LOOKUPS,
    "walletNumber": budgets.USER_LOOKUPS,
}

_SIGNATURE = "A signature with a key of 256 bits or more, over the content."

#: Guessable inputs of operations where nothing can be learnt by guessing, each with its reason.
EXCEPTIONS = {
    ("registerUser", "password"): "The password of a new account.",
    ("createCoupon", "code"): "The merchant chooses the code.",
    ("requestPasswordReset", "email"): "The answer is the same whether there is an account or not.",
    ("requestPhoneVerification", "phone"): "The answer is the same whoever has the number.",
    ("login", "email"): "Unknown ones cannot be told from wrong passwords, which are limited.",
    ("loginByPhone", "phone"): "As for login.",
    ("createRiskRule", "key"): "The name of a rule, which administrators choose and list.",
    ("listRiskRules", "key"): "As for createRiskRule.",
}

#: Secrets that cannot be guessed, each with its reason.
UNGUESSABLE = {
    "refreshToken": _SIGNATURE,
    "resetToken": _SIGNATURE,
    "verificationToken": _SIGNATURE,
    "Stripe-Signature": _SIGNATURE,
    "webhook-signature": _SIGNATURE,
    "download_token": _SIGNATURE,
    "Idempotency-Key": "Only the caller's own keys are compared with it.",
    "cursor": "It only contains the position in the caller's own list.",
}

#: Inputs that are no secrets.
PUBLIC = {
    "X-Refresh-Cookie",
    *("alt", "category", "slug", "url"),
    *("amount", "answer", "bankReference", "column", "columns", "currency", "description"),
    # The answer is the same whoever has the new address.
    "newEmail",
    *("action", "buyerEmail", "locale", "supportEmail", "timeZone"),
    *("expectedAmount", "firstName", "holder", "id", "instance", "label", "lastName", "maxPrice"),
    *(
        "minPrice",
        "role",
        "name",
        "newPassword",
        "note",
        "notes",
        "number",
        "price",
        "provider",
        "q",
    ),
    *("from", "to", "reason", "reference", "returnUrl", "routing", "type", "userId", "value"),
    *("event_type", "sink", "sink_name", "text", "weight"),
    *("webhook-id", "webhook-timestamp", "Content-Disposition", "If-Range", "Range", "body"),
    *("mediaType", "sha256", "Content-Digest"),
}


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def texts(document: dict[str, Any], schema: dict[str, Any], name: str) -> Iterator[str]:
    """The names of the text inputs of a schema, without enumerations, IDs and times."""
    schema = resolved(document, schema)
    kind = schema.get("type")
    is_text = "string" in (kind if isinstance(kind, list) else [kind])
    if is_text and "enum" not in schema and schema.get("format") not in ("uuid", "date-time"):
        yield name
    for part, inner in schema.get("properties", {}).items():
        yield from texts(document, inner, part)
    inner = [schema["items"]] if "items" in schema else []
    for combined in ("allOf", "anyOf", "oneOf"):
        inner += schema.get(combined, [])
    for one in inner:
        yield from texts(document, one, name)


def inputs(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The ID of each operation with each of its text inputs."""
    for path in document["paths"].values():
        for method in METHODS & set(path):
            operation = path[method]
            for parameter in (*path.get("parameters", ()), *operation.get("parameters", ())):
                described = resolved(document, parameter)
                for name in texts(document, described["schema"], described["name"]):
                    yield operation["operationId"], name
            for media in operation.get("requestBody", {}).get("content", {}).values():
                for name in texts(document, media["schema"], "body"):
                    yield operation["operationId"], name


def operation_id(function: str) -> str:
    first, *words = function.rpartition(".")[2].split("_")
    return first + "".join(word.capitalize() for word in words)


@pytest.fixture(scope="module")
def found(worker_app: Flask) -> set[tuple[str, str]]:
    return set(inputs(document_of(worker_app)))


@pytest.fixture(scope="module")
def declared(worker_app: Flask) -> dict[str, set[Budget]]:
    """The budgets of each operation."""
    return {
        operation_id(name): getattr(view, "attempt_budgets", set())
        for name, view in worker_app.view_functions.items()
    }


def test_every_text_input_is_classed(found: set[tuple[str, str]]) -> None:
    classes = [set(GUESSABLE), set(UNGUESSABLE), PUBLIC]

    assert {name for _, name in found} == set().union(*classes)
    assert sum(map(len, classes)) == len(set().union(*classes))


def test_every_guessable_input_has_its_budget(
    found: set[tuple[str, str]], declared: dict[str, set[Budget]]
) -> None:
    guessable = {(operation, name) for operation, name in found if name in GUESSABLE}
    without = {
        (operation, name)
        for operation, name in guessable
        if GUESSABLE[name] not in declared[operation]
    }

    assert without == set(EXCEPTIONS)


def test_the_payment_page_has_the_budget_of_its_links(declared: dict[str, set[Budget]]) -> None:
    assert budgets.PAYMENT_LINKS in declared["paymentPage"]


def test_one_address_cannot_exhaust_the_budget_of_an_account() -> None:
    passwords = budgets.PASSWORDS

    assert passwords.per_account_and_address * 2 < passwords.per_account
