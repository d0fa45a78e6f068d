"""The Idempotency-Key of requests: how an endpoint takes it, and how it is documented.

app.idempotency stores the responses.
"""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Final, TypeVar, cast

from flask import Response

from app.common.body_limit import MAX_BODY_BYTES
from app.common.errors import (
    BadRequest,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    Unavailable,
)
from app.common.http import Blueprint, idempotency_key, raw_body
from app.common.process_state import Slot

View = TypeVar("View", bound=Callable[..., Any])

#: Executes a view in one transaction, unless a request with its key was executed before.
execute_once: Final[Slot[Callable[[Callable[[], Any], bool], Response]]] = Slot(
    "idempotent requests"
)

_KEY_PARAMETER: Final = {
    "name": "Idempotency-Key",
    "description": "Makes the request safe to retry: repeating the key and body returns the first "
    "response, byte for byte, with `Idempotent-Replayed: true`. 1 to 255 visible ASCII characters.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


def takes_idempotency_key(blueprint: Blueprint) -> Callable[[View], View]:
    """Document the header and the errors of an endpoint that takes it."""

    def decorate(view: View) -> View:
        view = blueprint.takes_header(_KEY_PARAMETER)(view)
        return blueprint.errors(
            BadRequest, IdempotencyInProgress, IdempotencyKeyReused, Unavailable
        )(view)

    return decorate


def idempotent(
    blueprint: Blueprint, *, max_bytes: int = MAX_BODY_BYTES, has_secret: bool = False
) -> Callable[[View], View]:
    """Execute an endpoint once per Idempotency-Key: all its transactions become one, in which its
    response is stored.

    It stands between `@blp.arguments` and `@blp.response`. max_bytes: of the request body;
    has_secret: whether the request or the response contains one, so that the stored response is
    encrypted and the hash of the request keyed. The endpoint must call no other system and hash no
    password, because it runs in a transaction. Endpoints that move money use
    app.wallets.movements.http instead.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def once(*args: Any, **values: Any) -> Any:
            if idempotency_key() is None:
                return view(*args, **values)
            raw_body(max_bytes=max_bytes)  # before the transaction, as the client may be slow
            return execute_once()(partial(view, *args, **values), has_secret)

        return takes_idempotency_key(blueprint)(cast("View", once))

    return decorate
