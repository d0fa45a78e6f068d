"""Limits on sign-ins: by device for those that have signed in before, by account and address for
all others."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar, cast

from flask import Response, after_this_request, request

from app.attempts.budgets import PASSWORDS
from app.attempts.http import count_if
from app.attempts.service import Charge
from app.auth.guard import is_wrong_password
from app.auth.models import User
from app.auth.service import Device
from app.auth.sign_in import devices
from app.common import ratelimit
from app.common.fair_executor import Turn
from app.common.http import settings

View = TypeVar("View", bound=Callable[..., Any])

_NAME_KEY: Final = "payment_flow.sign_in_name"

_PER_DEVICE: Final = "10/minute;60/hour"
_PER_ACCOUNT_AND_ADDRESS: Final = "10/minute;60/hour"
_PER_ADDRESS: Final = "300/minute"


def limits_sign_ins(
    field: str, *, normalize: Callable[[str], str | None]
) -> Callable[[View], View]:
    """Limit sign-ins to accounts.

    field: of the body, with the email address or phone number; normalize: as in `per_field`.
    """

    def name() -> str:
        if _NAME_KEY not in request.environ:
            request.environ[_NAME_KEY] = ratelimit.text_field(field, normalize=normalize)
        return cast("str", request.environ[_NAME_KEY])

    def device() -> str | None:
        return _known_device(name())

    def is_stranger() -> bool:
        return device() is None

    def account() -> str:
        return hashlib.sha256(name().encode("utf-8", "replace")).hexdigest()

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(*args: Any, **values: Any) -> Any:
            name()  # for `sign_in_turn`
            if ratelimit.limiter.enabled:
                count_if(_charges(account(), device()), is_wrong_password)
            return view(*args, **values)

        limited = cast("View", counted)
        limited.attempt_budgets = {PASSWORDS}  # type: ignore[attr-defined]
        for limits, key, when in (
            (_PER_DEVICE, lambda: f"device:{device()}", lambda: not is_stranger()),
            (_PER_ACCOUNT_AND_ADDRESS, lambda: f"{account()}:{ratelimit.address()}", is_stranger),
            (_PER_ADDRESS, ratelimit.address, is_stranger),
        ):
            limited = ratelimit.per_key(limits, key, when=when)(limited)
        return limited

    return decorate


def _charges(account: str, device: str | None) -> list[Charge]:
    if device is not None:
        return [Charge("passwords/device", device, PASSWORDS.per_device)]
    address = ratelimit.address()
    return [
        Charge("passwords/account", account, PASSWORDS.per_account),
        Charge("passwords/address", address, PASSWORDS.per_address),
        Charge(
            "passwords/account-and-address",
            f"{account}:{address}",
            PASSWORDS.per_account_and_address,
        ),
    ]


def _known_device(name: str) -> str | None:
    cookie = request.cookies.get(devices.cookie_name(name))
    return devices.read_cookie(name, cookie) if cookie else None


def current_device() -> Device:
    """The device of a sign-in or registration."""
    agent = request.headers.get("User-Agent", "")[:300]
    name = request.environ.get(_NAME_KEY)
    known = None if name is None else _known_device(name)
    return Device(
        user_agent=agent.replace("\0", "") or None,
        address=request.remote_addr,
        id=known or devices.new_id(),
        is_known=known is not None,
    )


def sign_in_turn() -> Turn:
    """The turn of a sign-in or registration in the queue of password hashes."""
    name = request.environ.get(_NAME_KEY)
    return Turn(ratelimit.address(), preferred=name is not None and _known_device(name) is not None)


def remember_device(user: User, *, device_id: str | None = None) -> None:
    """Send a cookie that recognises this device at the next sign-in to the account.

    device_id: of its session; None if it has none.
    """
    names = [name.lower() for name in (user.email, user.phone) if name]

    def add_cookies(response: Response) -> Response:
        for name in names:
            response.set_cookie(
                devices.cookie_name(name),
                devices.new_cookie(
                    name, device_id=device_id or _known_device(name) or devices.new_id()
                ),
                max_age=devices.TTL,
                path=f"{settings().api_prefix}/auth",
                secure=request.is_secure,
                httponly=True,
                samesite="Strict",
            )
        return response

    after_this_request(add_cookies)
