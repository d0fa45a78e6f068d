"""The configured banks by code."""

import base64
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import marshmallow as ma
from marshmallow.validate import Length, Regexp

from app.banks.errors import ProviderUnknown
from app.common.process_state import Slot
from app.common.production import is_patterned
from app.common.settings import InvalidValues, Settings

#: The banks of the simulator (sandbox/bank), by code.
_SIMULATED: Final = {"HDFC": "HDFC Bank", "AXIS": "Axis Bank"}
_MIN_KEY_BYTES: Final = 32  # RFC 7518, section 3.2: payment requests are signed with HS256.
_KEY_PREFIX: Final = "whsec_"  # Standard Webhooks


@dataclass(frozen=True, slots=True)
class Provider:
    """A bank. keys: the first signs our requests, all of them verify its webhooks, so that they can
    be rotated without downtime."""

    code: str
    name: str
    url: str
    keys: tuple[bytes, ...] = field(repr=False)


_providers: Final[Slot[dict[str, Provider]]] = Slot("banks", default={})


def configure(banks: Iterable[Provider]) -> None:
    """Use these banks in this process."""
    _providers.configure({bank.code: bank for bank in banks})


def list_all() -> list[Provider]:
    return list(_providers().values())


def get(code: str) -> Provider | None:
    return _providers().get(code)


def require(code: str) -> Provider:
    """Raises ProviderUnknown."""
    provider = get(code)
    if provider is None:
        raise ProviderUnknown(details={"provider": code})
    return provider


def from_settings(settings: Settings) -> tuple[Provider, ...]:
    """The banks of BANK_PROVIDERS; if unset, those of the simulator, or none in production.

    The keys of the simulator are derived from a secret in the data folder. Raises SettingsError.
    """
    if not uses_simulator(settings):
        return _configured(settings)
    secret = settings.development_secret("bank-secret").encode()
    return tuple(
        Provider(
            code=code,
            name=name,
            url=f"http://127.0.0.1:{settings.bank_port}/{code.lower()}",
            keys=(hmac.digest(secret, code.encode(), "sha256"),),
        )
        for code, name in _SIMULATED.items()
    )


def uses_simulator(settings: Settings) -> bool:
    """Whether the simulator is used instead of real banks."""
    return settings.bank_providers is None and not settings.is_production


def require_valid(settings: Settings) -> None:
    """Raises SettingsError if the settings of the banks are invalid."""
    _configured(settings)


def _configured(settings: Settings) -> tuple[Provider, ...]:
    banks = _parse(settings.bank_providers or "[]")
    if settings.is_production and any(not bank.url.startswith("https:") for bank in banks):
        raise _invalid("must have addresses that begin with https in production")
    keys = [key for bank in banks for key in bank.keys]
    if settings.is_production and any(is_patterned(key.decode("latin-1")) for key in keys):
        raise _invalid("must have random keys in production")
    if settings.is_production and len(set(keys)) < len(keys):
        raise _invalid("must have a different key for each bank in production")
    return banks


def to_json(banks: Iterable[Provider]) -> str:
    """These banks as BANK_PROVIDERS writes them."""
    text: str = _ProviderSchema(many=True).dumps(banks)
    return text


class _Key(ma.fields.Field[bytes]):
    """A key as Standard Webhooks writes it."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return _KEY_PREFIX + base64.b64encode(value).decode()

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bytes:
        prefix, _, encoded = str(value).partition("_")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:  # not ASCII, or not base64
            key = b""
        if f"{prefix}_" != _KEY_PREFIX or len(key) < _MIN_KEY_BYTES:
            raise ma.ValidationError("is no key")
        return key


class _ProviderSchema(ma.Schema):
    code = ma.fields.String(required=True, validate=Regexp(r"[A-Z0-9]{2,16}\Z"))
    name = ma.fields.String(required=True, validate=Length(1, 100))
    url = ma.fields.Url(required=True, schemes={"http", "https"}, require_tld=False)
    keys = ma.fields.List(_Key(), required=True, validate=Length(1))

    @ma.post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Provider:
        return Provider(data["code"], data["name"], data["url"].rstrip("/"), (*data["keys"],))


def _parse(text: str) -> tuple[Provider, ...]:
    """Parse a JSON list. Errors name only the field, because the values are secrets."""
    try:
        banks: list[Provider] = _ProviderSchema(many=True).loads(text)
    except ma.ValidationError as error:
        wrong = {f for of in error.messages_dict.values() if isinstance(of, dict) for f in of}
        raise _invalid(
            'must be a list of {"code", "name", "url", "keys"} with keys of at least '
            f"{_MIN_KEY_BYTES} bytes as {_KEY_PREFIX}… (check "
            f"{', '.join(sorted(map(str, wrong))) or 'the list'})"
        ) from None
    except ValueError:
        raise _invalid("must be JSON") from None
    if len({bank.code for bank in banks}) < len(banks):
        raise _invalid("must name each code once")
    return tuple(banks)


def _invalid(problem: str) -> InvalidValues:
    return InvalidValues({"BANK_PROVIDERS": problem})
