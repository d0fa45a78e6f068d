"""Examples of the OpenAPI document can be executed on the demo data, twice, as in Swagger UI."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.auth.models import Role
from app.common.examples import EXAMPLE_EMAIL, EXAMPLE_PASSWORD, OTHER_EMAIL
from app.common.settings import Settings
from app.demo.catalogue import EXAMPLE, OWNERS
from app.demo.people import ADMIN, BUYERS
from app.demo.seed import seed
from tests.test_openapi import operations

#: Operations whose example cannot succeed twice, and why.
EXCEPTIONS: Final = {
    "registerUser": "an email address has one account",
    "refreshTokens": "requires the refresh token of a session",
    "createRiskRule": "a rule has one draft",
    "addRiskListEntry": "a value is on a list once",
    "refreshFromCookie": "requires the cookie of a page of this server",
    "createRiskBacktest": "requires the draft of a rule",
    "getTraffic": "requires the simulator, which `./flow up` starts",
    "startTraffic": "requires the simulator, which `./flow up` starts",
    "stopTraffic": "requires the simulator, which `./flow up` starts",
    "makeSimulatedTransaction": "requires the simulator, which `./flow up` starts",
    "resetPassword": "requires the link that was sent",
    "requestEmailVerification": "the addresses of the demo are verified",
    "confirmEmailVerification": "requires the link that was sent",
    "confirmPhoneVerification": "requires the code that was sent",
    "changePassword": "the password is another one then",
    "disableTwoFactor": "requires a code of the moment",
    "confirmTwoFactor": "requires a code of the moment",
    "createRecoveryCodes": "requires a code of the moment",
    "validateLicence": "requires the key that was delivered",
    "activateLicence": "requires the key that was delivered",
    "deactivateLicence": "requires the key that was delivered",
    "createLicenceFile": "requires the key that was delivered",
    "receiveStripeEvent": "requires the signature of the gateway",
    "createPayout": "requires a bank account that was saved",
    "deleteProduct": "the product is deleted then",
    "createCategory": "a slug is given once",
    "uploadShopLogo": "requires a picture",
    "addProductImage": "requires a picture",
    "uploadProductCodes": "requires a product of the kind CODES",
    "uploadProductFile": "requires a product of the kind FILE",
    "createFileUpload": "requires a product of the kind FILE",
    "getFileUpload": "requires a product of the kind FILE",
    "getProductFile": "requires a product of the kind FILE",
    "deleteProductFile": "requires a product of the kind FILE",
    "getLicenceTerms": "requires a product of the kind LICENCE",
    "setLicenceTerms": "requires a product of the kind LICENCE",
    "applyLicenceTerms": "requires a product of the kind LICENCE",
    "createBankAccount": "a bank account is saved once",
    "deleteUserLimit": "the limit is deleted then",
    "resetTwoFactor": "requires a user with two-factor authentication",
    "logout": "the session has ended then",
}

PEOPLE: Final = {
    str(role): person
    for role, person in (
        (Role.USER, BUYERS[0]),
        (Role.MERCHANT, OWNERS[EXAMPLE]),
        (Role.ADMIN, ADMIN),
    )
}


def test_the_example_people_are_those_of_the_demo() -> None:
    assert [buyer.email for buyer in BUYERS[:2]] == [EXAMPLE_EMAIL, OTHER_EMAIL]


@pytest.fixture
def tokens(app: Flask, client: FlaskClient, settings: Settings, tmp_path: Path) -> dict[str, str]:
    """Access tokens of demo accounts, by role."""
    seed(replace(settings, data_dir=tmp_path / "data"), if_empty=True)
    found = {}
    for role, person in PEOPLE.items():
        account = {"email": person.email, "password": EXAMPLE_PASSWORD}
        found[role] = client.post("/api/v1/auth/login", json=account).json["accessToken"]
    return found


def prefilled(parameters: list[dict[str, Any]], path: str) -> tuple[str, dict[str, str]] | None:
    """Address and headers as Swagger UI fills them in; None if it leaves a part of the path."""
    query, headers = {}, {}
    for parameter in parameters:
        value = parameter.get("example", parameter["schema"].get("example"))
        value = parameter["schema"].get("default") if value is None else value
        if value is None:
            continue
        text = json.dumps(value) if isinstance(value, bool) else str(value)
        match parameter["in"]:
            case "path":
                path = path.replace(f"{{{parameter['name']}}}", quote(text))
            case "query":
                query[parameter["name"]] = text
            case "header":
                headers[parameter["name"]] = text
    if "{" in path:
        return None
    return f"{path}?{urlencode(query)}" if query else path, headers


def examples(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, role and request of each operation that can be executed without filling in."""
    for name, operation in operations(document):
        method, path = name.split()
        parameters = [
            *document["paths"][path].get("parameters", ()),
            *operation.get("parameters", ()),
        ]
        if (found := prefilled(parameters, path)) is None:
            continue
        request: dict[str, Any] = {"method": method, "path": found[0], "headers": found[1]}
        for kind, body in operation.get("requestBody", {}).get("content", {}).items():
            data = body["example"]
            request["data"] = data if isinstance(data, str) else json.dumps(data)
            request["headers"]["Content-Type"] = kind
            break
        roles = operation.get("x-required-roles", ["USER" if operation.get("security") else ""])
        yield operation["operationId"], roles[0], request


def test_every_example_succeeds_twice(client: FlaskClient, tokens: dict[str, str]) -> None:
    found = list(examples(client.get("/api/openapi.json").json))
    assert len(found) > 75
    failed = {}
    # The exceptions last: some of them change the account.
    for name, role, request in sorted(found, key=lambda example: example[0] in EXCEPTIONS):
        if role:
            request["headers"]["Authorization"] = f"Bearer {tokens[role]}"
        answers = [client.open(**request) for _ in range(2)]
        refused = [answer.text for answer in answers if answer.status_code >= 400]
        if refused:
            failed[name] = refused

    assert failed.keys() == EXCEPTIONS.keys()
