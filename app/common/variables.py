"""How variables of the environment are read: fields that say in words what is wrong."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import marshmallow as ma

_DURATION: Final = re.compile(r"(\d+)\s*([smhd]?)")
_MEDIA_TYPE: Final = re.compile(r"[\w.+-]+/([\w.+-]+|\*)", re.A)
_UNITS: Final = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Duration(ma.fields.Field[timedelta]):
    """`15m`, `7d`, `900` (seconds): the notation of the original service's JWT settings."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> timedelta:
        match = _DURATION.fullmatch(value.strip())
        if match is None or int(match[1]) == 0:
            raise ma.ValidationError("must be a duration such as 15m, 12h or 7d")
        return timedelta(**{_UNITS[match[2]]: int(match[1])})


class Prefix(ma.fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return f"/{str(value).strip('/')}".rstrip("/")


class PublicUrl(ma.fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            parts = urlsplit(value)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.query or parts.fragment or parts.username:
            raise ma.ValidationError("must look like https://pay.example.com")
        return value.rstrip("/")  # type: ignore[no-any-return]


class ReturnUrl(ma.fields.String):
    """An address in which `{order}` stands for the id of an order."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            parts = urlsplit(value)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable or not value.isprintable() or " " in value:
            raise ma.ValidationError("must look like https://shop.example.com/orders/{order}")
        return str(value)


class Words(ma.fields.Field[tuple[str, ...]]):
    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> tuple[str, ...]:
        return tuple(part.strip() for part in value.split(",") if part.strip())


class MediaTypes(Words):
    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> tuple[str, ...]:
        words = super()._deserialize(value.lower(), attr, data, **kwargs)
        if not all(_MEDIA_TYPE.fullmatch(word) for word in words):
            raise ma.ValidationError("must be media types such as application/zip or audio/*")
        return words


class Folder(ma.fields.Field[Path]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Path:
        return Path(value).expanduser()


class DatabaseUrl(ma.fields.String):
    """SQLAlchemy's dialect name, and `?schema=` (a Prisma convention) as a search path."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            parts = urlsplit(value)
            query = dict(parse_qsl(parts.query))
            usable = parts.scheme in ("postgres", "postgresql", "postgresql+psycopg")
            usable = usable and (parts.port is None or parts.port > 0)
        except ValueError:
            usable = False
        if not usable:
            raise ma.ValidationError("must look like postgresql://user:password@host:5432/name")
        for prisma_only in ("connection_limit", "pool_timeout", "pgbouncer"):
            query.pop(prisma_only, None)
        if (schema := query.pop("schema", "public")) != "public":
            query["options"] = f"-csearch_path={schema}"
        return str(
            urlunsplit(("postgresql+psycopg", parts.netloc, parts.path, urlencode(query), ""))
        )


class RedisUrl(ma.fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if urlsplit(value).scheme not in ("redis", "rediss", "unix"):
            raise ma.ValidationError("must look like redis://host:6379/0")
        return str(value)
