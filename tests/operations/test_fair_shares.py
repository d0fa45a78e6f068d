"""Nobody can create without bound.

Every operation that adds something has a quota, a rate limit of its own, or is listed here with the
reason why it needs none.
"""

import re

from flask import Flask

from app.common.ratelimit import limiter
from app.common.settings import PROJECT_ROOT
from tests.operations.access_matrix import Route, operations_of, routes_of

_ENDS = "It ends something that exists, once."
_MONEY = "It moves money of the wallet, whose balance and limits bound it, and stays in the books."
_CODE = "It replaces what the user has, and all requests with a code have a limit together."
_SOLD = (
    "It is about a paid order, of which there can be one at a time or as many as there are units."
)

#: Operations of users that need neither, each with its reason.
UNBOUNDED = {
    "login": "Limited per device, account and address by app.auth.sign_in.",
    "loginByPhone": "Limited per device, account and address by app.auth.sign_in.",
    "logout": _ENDS,
    "refreshFromCookie": "As refreshTokens.",
    "refreshTokens": "Each use replaces a token of the session; used ones are deleted in time.",
    "confirmTwoFactor": _CODE,
    "createRecoveryCodes": _CODE,
    "captureHold": _ENDS,
    "voidHold": _ENDS,
    "cancelOrder": _ENDS,
    "cancelPaymentRequest": _ENDS,
    "declinePaymentRequest": _ENDS,
    "deactivateMerchantCode": _ENDS,
    "approveRefundRequest": _ENDS,
    "declineRefundRequest": _ENDS,
    "withdrawRefundRequest": _ENDS,
    "createDeposit": _MONEY,
    "createWithdrawal": _MONEY,
    "createPayout": _MONEY,
    "createTransfer": _MONEY,
    "payPaymentRequest": _MONEY,
    "payMerchantCode": _MONEY,
    "createOrder": _MONEY + " Unpaid orders by card are limited per buyer: see"
    " tests/gateway/test_reservations.py.",
    "createRefund": _SOLD,
    "createRefundRequest": _SOLD,
    "resetDownloads": _SOLD,
    "closeGiveaway": _ENDS,
    "revokeLicence": _ENDS,
    "revokeProductCode": _ENDS,
    "reissueProductCode": "It takes one of the product's codes, of which there is a quota.",
    "setLicenceTerms": "One row per product, of which there is a quota.",
}


def has_quota(operation: dict[str, object]) -> bool:
    return "QUOTA_EXCEEDED" in str(operation["responses"])


def has_rate_limit(app: Flask, route: Route) -> bool:
    """Whether every request to the operation counts towards a limit of its own."""
    view = app.view_functions[routes_of(app)[route]]
    # As the limiter calls the functions that it decorates.
    names = {
        f"{view.__module__}.{view.__name__}",
        f"{view.__module__}.{view.__qualname__}.{view.__name__}",
    }
    groups = [
        group for name in names for group in limiter.limit_manager._decorated_limits.get(name, ())
    ]
    return any(group.exempt_when is None for group in groups)


def test_everything_that_adds_something_is_bounded(app: Flask) -> None:
    unbounded = {
        operation["operationId"]
        for route, operation in operations_of(app).items()
        if route[0] in ("POST", "PUT") and not has_quota(operation)
        # Administrators act on others, and everything they do is in the audit log.
        if operation.get("x-required-roles") != ["ADMIN"] and not has_rate_limit(app, route)
    }
    assert unbounded == UNBOUNDED.keys()


def test_every_limit_of_an_operation_is_in_the_table(app: Flask) -> None:
    page = (PROJECT_ROOT / "docs" / "operations.md").read_text()
    table = page.partition("## Rate limits")[2].partition("\n## ")[0]
    listed = {re.sub(r"{\w+}", "{}", path) for path in re.findall(r"`(?:[A-Z]+ )?(/[^`]*)`", table)}
    missing = {
        (method, path)
        for method, path in operations_of(app)
        if has_rate_limit(app, (method, path))
        if not any(re.sub(r"{\w+}", "{}", path).endswith(each) for each in listed)
    }
    assert missing == set()
