"""Who is outside, as the settings name them: banks, and the payment gateway."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import marshmallow as ma
from marshmallow.validate import Length, Regexp

#: Where the gateway really is.
STRIPE: Final = "https://api.stripe.com"
#: What STRIPE_SECRET_KEY says when there shall be no gateway, not even the sandbox's.
NO_GATEWAY: Final = "off"

_LEAST_KEY_BYTES: Final = 32  # RFC 7518, section 3.2: payment requests are signed with HS256.
_STRIPE_KEY: Final = re.compile(r"(sk|rk)_(test|live)_[!-~]{8,}")
_STRIPE_SECRET: Final = re.compile(r"whsec_[!-~]{16,}")


@dataclass(frozen=True)
class BankProvider:
    """A bank that money comes from and goes to.

    keys: each `whsec_` and base64, as Standard Webhooks writes them. The first one signs, all of
    them verify, so that a key can be changed without a pause.
    """

    code: str
    name: str
    url: str
    keys: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class GatewayAccount:
    """Our account with the payment gateway.

    secret_key: proves to the gateway who we are; webhook_secrets: each may have signed what the
    gateway tells us, so that one can be changed without a pause.
    """

    url: str
    secret_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)

    @property
    def is_live(self) -> bool:
        """Whether real money moves."""
        return self.secret_key.startswith(("sk_live_", "rk_live_"))


def bank_key(key: bytes) -> str:
    """A key as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(key).decode()


class _BankKey(ma.fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        prefix, _, encoded = str(value).partition("_")
        try:
            usable = prefix == "whsec" and len(base64.b64decode(encoded, validate=True)) >= (
                _LEAST_KEY_BYTES
            )
        except ValueError:  # not ASCII, or not base64
            usable = False
        if not usable:
            raise ma.ValidationError("is no key")
        return str(value)


class _BankProvider(ma.Schema):
    code = ma.fields.String(required=True, validate=Regexp(r"[A-Z0-9]{2,16}\Z"))
    name = ma.fields.String(required=True, validate=Length(1, 100))
    url = ma.fields.Url(required=True, schemes={"http", "https"}, require_tld=False)
    keys = ma.fields.List(_BankKey(), required=True, validate=Length(1))

    @ma.post_load
    def _make(self, data: dict[str, Any], **_: Any) -> BankProvider:
        return BankProvider(data["code"], data["name"], data["url"].rstrip("/"), (*data["keys"],))


class BankProviders(ma.fields.Field[tuple[BankProvider, ...]]):
    """A JSON list. What is wrong is named by field only, because the values are secrets."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> tuple[BankProvider, ...]:
        try:
            banks: list[BankProvider] = _BankProvider(many=True).loads(value)
        except ma.ValidationError as error:
            wrong = {f for of in error.messages_dict.values() if isinstance(of, dict) for f in of}
            raise ma.ValidationError(
                'must be a list of {"code", "name", "url", "keys"} with keys of '
                f"{_LEAST_KEY_BYTES} bytes or more as whsec_… (see "
                f"{', '.join(sorted(map(str, wrong))) or 'the list'})"
            ) from None
        except ValueError:
            raise ma.ValidationError("must be JSON") from None
        if len({bank.code for bank in banks}) < len(banks):
            raise ma.ValidationError("must name each code once")
        return tuple(banks)


def require_stripe_key(key: str) -> None:
    """A secret key, restricted or not, or the word for none. Raises ValidationError."""
    if key != NO_GATEWAY and not _STRIPE_KEY.fullmatch(key):
        raise ma.ValidationError("must be a secret key (sk_… or rk_…), or off")


def require_stripe_secrets(secrets: Sequence[str]) -> None:
    """Signing secrets of webhook endpoints. Raises ValidationError."""
    if not secrets or not all(map(_STRIPE_SECRET.fullmatch, secrets)):
        raise ma.ValidationError("must be signing secrets (whsec_…), separated by commas")
