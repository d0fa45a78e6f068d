"""Devices that have signed in to an account before, recognised by a signed cookie.

The cookie grants nothing but a budget and a place in the queue of its own, so that strangers who
guess at an account do not keep its owner out. A sign-in without one works as well. Sessions keep
its ID, by which risk screening knows a device.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Final

from app.auth.tokens import token_rules
from app.common import clock

#: Renewed at every sign-in and refresh.
TTL: Final = timedelta(days=180)

_PREFIX: Final = "device_"
_NAME_CHARACTERS: Final = 16
_ID_BYTES: Final = 12
#: As `new_id` makes it.
_ID: Final = re.compile("[A-Za-z0-9_-]{16}")


def cookie_name(sign_in_name: str) -> str:
    """The name of the cookie for an account: a device may have one for each.

    sign_in_name: email address in lower case, or phone number.
    """
    return _PREFIX + _keyed_hash("name", sign_in_name)[:_NAME_CHARACTERS]


def new_id() -> str:
    """The ID of a device that is not known yet."""
    return secrets.token_urlsafe(_ID_BYTES)


def is_id(text: str) -> bool:
    """Whether it may be the ID of a device."""
    return _ID.fullmatch(text) is not None


def new_cookie(sign_in_name: str, *, device_id: str) -> str:
    """The value of the cookie."""
    expires = str(int((clock.now() + TTL).timestamp()))
    return f"{device_id}.{expires}.{_keyed_hash('device', device_id, expires, sign_in_name)}"


def read_cookie(sign_in_name: str, value: str) -> str | None:
    """The ID of the device, or None unless we issued this value for this account."""
    device_id, _, rest = value.partition(".")
    expires, _, signature = rest.partition(".")
    expected = _keyed_hash("device", device_id, expires, sign_in_name)
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        return None
    return device_id if clock.now().timestamp() < int(expires) else None


def _keyed_hash(*parts: str) -> str:
    key = token_rules().refresh_secret.encode()
    digest = hmac.digest(key, "\0".join(("device-cookie", *parts)).encode(), "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")
