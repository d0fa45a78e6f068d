"""Locales of users: how amounts and dates are written, by the rules of the CLDR (package Babel).

Texts are in English. A locale is written as in BCP 47: `de`, `pt-BR`, `zh-Hant-TW`.
"""

import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import marshmallow as ma
from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_gmt, get_timezone_name
from babel.numbers import format_currency

from app.common.money import EXPONENTS
from app.common.time_zone import local

DEFAULT_LOCALE: Final = "en"
#: Longer than any locale of the CLDR, and short enough for Babel not to take long.
_MAX_LENGTH: Final = 20
_ACCEPTED: Final = 10
_RANGE: Final = re.compile(r"\s*([A-Za-z0-9-]{1,20})\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*")


@lru_cache(maxsize=1024)
def parse_locale(text: str) -> Locale | None:
    """The locale of a BCP 47 tag, or None if the CLDR does not know it."""
    if len(text) > _MAX_LENGTH or not text.isascii():
        return None
    try:
        return Locale.parse(text, sep="-")
    except (ValueError, UnknownLocaleError, TypeError):
        return None


def canonical_locale(text: str) -> str | None:
    """The tag in its usual spelling, `pt-BR`; None if the CLDR does not know it."""
    found = parse_locale(text)
    return None if found is None else str(found).replace("_", "-")


def preferred_locale(accept_language: str | None) -> str:
    """The first known locale of the header (RFC 9110, 12.5.4), DEFAULT_LOCALE without one."""
    ranked = []
    for position, part in enumerate((accept_language or "").split(",")[:_ACCEPTED]):
        if (match := _RANGE.fullmatch(part)) and (quality := Decimal(match[2] or "1")):
            ranked.append((-quality, position, match[1]))
    return next(filter(None, (canonical_locale(tag) for *_, tag in sorted(ranked))), DEFAULT_LOCALE)


def display_money(minor: int, currency: str, *, locale: str = DEFAULT_LOCALE) -> str:
    """An amount for people: `$1,234.50`, `1.234,50 $`. minor: minor units."""
    amount = Decimal(minor).scaleb(-EXPONENTS[currency])
    return str(format_currency(amount, currency, locale=_known(locale)))


def display_time(time: datetime, zone: ZoneInfo, *, locale: str) -> str:
    """A time for people, in their zone: `2 March 2026, 14:05 GMT+1`."""
    known, moment = _known(locale), local(time, zone)
    day, hour = (
        format_date(moment, "long", locale=known),
        format_time(moment, "short", locale=known),
    )
    name = get_timezone_name(moment, width="short", locale=known)
    if name.startswith(("+", "-")):
        name = get_timezone_gmt(moment, locale=known)  # with colon
    return f"{day}, {hour} {name}"


def _known(locale: str) -> Locale:
    return parse_locale(locale) or Locale(DEFAULT_LOCALE)


class LocaleTag(ma.fields.String):
    """A locale of the CLDR, in its usual spelling."""

    default_error_messages = {  # noqa: RUF012 – marshmallow's protocol
        "locale": "Not a known locale, such as en-GB."
    }

    def __init__(self, *, metadata: dict[str, Any] | None = None, **kwargs: Any) -> None:
        documented = {
            "description": "How amounts and dates are written in notifications (BCP 47)",
            "example": "en-GB",
        }
        super().__init__(metadata=documented | (metadata or {}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        found = canonical_locale(super()._deserialize(value, attr, data, **kwargs))
        if found is None:
            raise self.make_error("locale")
        return found
