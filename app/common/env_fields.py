"""How settings are declared, and how their environment variables are read."""

import dataclasses
import re
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import marshmallow as ma

T = TypeVar("T")

_METADATA_KEY: Final = "declaration"

#: Of URLs whose hosts are Sentinels; the second one with TLS.
SENTINEL_SCHEMES: Final = ("redis+sentinel", "rediss+sentinel")
SENTINEL_PORT: Final = 26379

_DURATION: Final = re.compile(r"(\d+)\s*([smhd]?)")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_ADDRESS: Final = re.compile(r"([\w.-]+|\[[0-9a-f:.]+\]):\d{1,5}", re.A | re.I)
_PREFIX: Final = re.compile(r"(/[\w.~-]+)*", re.A)
_MEDIA_TYPE: Final = re.compile(r"[\w.+-]+/([\w.+-]+|\*)", re.A)
_MAIL_ADDRESS: Final = re.compile(r"[\w.+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.A)
_SENTINEL_PATH: Final = re.compile(r"/[\w.-]+(/\d{1,4})?", re.A)
_UNITS: Final = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Declaration:
    """The declaration of a setting.

    field: reads the variable. default: as written in `.env`, empty for none. description: whole
    sentences, in Markdown. unset: describes what applies without a value if there is no default,
    in Markdown. section: title of the section of the documentation that starts with this setting.
    """

    field: ma.fields.Field[Any]
    default: str
    description: str
    unset: str
    section: str | None
    required_in_production: bool


def setting(
    field: ma.fields.Field[T],
    default: str,
    description: str,
    *,
    unset: str = "none",
    section: str | None = None,
    secret: bool = False,
    required_in_production: bool = False,
) -> T:
    """Declare a setting with a default. secret: its value is left out of the `repr`.

    The other arguments are those of Declaration.
    """
    declaration = Declaration(field, default, description, unset, section, required_in_production)
    return _dataclass_field(declaration, default=field.deserialize(default), secret=secret)


def optional_setting(
    field: ma.fields.Field[T],
    description: str,
    *,
    unset: str = "none",
    section: str | None = None,
    secret: bool = False,
    required_in_production: bool = False,
) -> T | None:
    """Declare a setting that is None unless it is set. Arguments as for `setting`."""
    declaration = Declaration(field, "", description, unset, section, required_in_production)
    return _dataclass_field(declaration, default=None, secret=secret)


def _dataclass_field(declaration: Declaration, *, default: T, secret: bool) -> T:
    metadata = {_METADATA_KEY: declaration}
    return dataclasses.field(default=default, repr=not secret, metadata=metadata)


def declarations(settings: type) -> dict[str, Declaration]:
    """Each declared setting by the name of its variable, in order."""
    return {
        field.name.upper(): field.metadata[_METADATA_KEY] for field in dataclasses.fields(settings)
    }


class Duration(ma.fields.Field[timedelta]):
    """`15m`, `7d`, or `900` (seconds)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> timedelta:
        match = _DURATION.fullmatch(value.strip())
        if match is None or int(match[1]) == 0:
            raise ma.ValidationError("must be a duration such as 15m, 12h or 7d")
        return timedelta(**{_UNITS[match[2]]: int(match[1])})


class Prefix(ma.fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        prefix = f"/{str(value).strip('/')}".rstrip("/")
        if not _PREFIX.fullmatch(prefix):
            raise ma.ValidationError("must look like /api/v1")
        return prefix


def _split_web_url(value: str) -> SplitResult | None:
    """The parts of an absolute http or https URL; None if it is not one."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


class PublicUrl(ma.fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        parts = _split_web_url(value)
        if parts is None or parts.query or parts.fragment or parts.username:
            raise ma.ValidationError("must look like https://pay.example.com")
        return value.rstrip("/")  # type: ignore[no-any-return]


class ReturnUrl(ma.fields.String):
    """A URL in which `{order}` stands for the ID of an order."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if _split_web_url(value) is None or not value.isprintable() or " " in value:
            raise ma.ValidationError("must look like https://shop.example.com/orders/{order}")
        return str(value)


class CommaSeparated(ma.fields.Field[tuple[str, ...]]):
    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> tuple[str, ...]:
        return tuple(part.strip() for part in value.split(",") if part.strip())


class Headers(ma.fields.Field[tuple[tuple[str, str], ...]]):
    """`name=value`, separated by commas."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> tuple[tuple[str, str], ...]:
        pairs = [part.strip().partition("=") for part in value.split(",") if part.strip()]
        if not all(_HEADER.fullmatch(name) and value.isprintable() for name, _, value in pairs):
            raise ma.ValidationError("must look like name=value,name=value")
        return tuple((name, unquote(value)) for name, _, value in pairs)


class Addresses(CommaSeparated):
    """`host:port`, separated by commas."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> tuple[str, ...]:
        values = super()._deserialize(value, attr, data, **kwargs)
        if not all(_ADDRESS.fullmatch(word) for word in values):
            raise ma.ValidationError("must look like broker-1:9092,broker-2:9092")
        return values


class MediaTypes(CommaSeparated):
    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> tuple[str, ...]:
        values = super()._deserialize(value.lower(), attr, data, **kwargs)
        if not all(_MEDIA_TYPE.fullmatch(word) for word in values):
            raise ma.ValidationError("must be media types such as application/zip or audio/*")
        return values


class Networks(CommaSeparated):
    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> tuple[str, ...]:
        try:
            found = super()._deserialize(value, attr, data, **kwargs)
            return tuple(str(ip_network(text)) for text in found)
        except ValueError:
            raise ma.ValidationError("must be networks such as 127.0.0.0/8") from None


class Folder(ma.fields.Field[Path]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Path:
        return Path(value).expanduser()


class DatabaseUrl(ma.fields.String):
    """SQLAlchemy's dialect name, and `?schema=` (a Prisma convention) as a search path.

    Several hosts (`host-1:5432,host-2:5432`) become the parameters `host` and `port`, which
    SQLAlchemy and libpq understand.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            parts = urlsplit(value)
            query = dict(parse_qsl(parts.query))
            login, at, hosts = parts.netloc.rpartition("@")
            if "," in hosts:
                names, ports = zip(*hosts_of(parts, port=5432), strict=True)
                query |= {"host": ",".join(names), "port": ",".join(map(str, ports))}
                parts = parts._replace(netloc=f"{login}{at}")
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


def hosts_of(url: SplitResult, *, port: int) -> list[tuple[str, int]]:
    """The hosts of a URL, which commas separate, each with its port. port: if it has none.

    Raises ValueError.
    """
    parts = [urlsplit(f"//{host}") for host in url.netloc.rpartition("@")[2].split(",")]
    hosts = [(part.hostname or "", part.port or port) for part in parts]
    if not all(name for name, _ in hosts):
        raise ValueError("a host has no name")
    return hosts


class SmtpUrl(ma.fields.String):
    """Of a mail server: TLS from the beginning with `smtps`, STARTTLS with `smtp`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            parts = urlsplit(value)
            usable = parts.scheme in ("smtp", "smtps") and parts.hostname and parts.port != 0
            usable = usable and parts.path in ("", "/") and parts.query in ("", "tls=off")
            usable = usable and (parts.username is None) == (parts.password is None)
        except ValueError:
            usable = False
        if not usable:
            raise ma.ValidationError("must look like smtp://user:password@mail.example.com:587")
        return str(value)


class MailAddress(ma.fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not _MAIL_ADDRESS.fullmatch(value):
            raise ma.ValidationError("must look like no-reply@example.com")
        return str(value)


class RedisUrl(ma.fields.String):
    """Of a Redis, or of one that Sentinels know by name."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            parts = urlsplit(value)
            if parts.scheme in SENTINEL_SCHEMES:
                usable = bool(hosts_of(parts, port=SENTINEL_PORT))
                usable = usable and bool(_SENTINEL_PATH.fullmatch(parts.path))
            else:
                usable = parts.scheme in ("redis", "rediss", "unix") and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise ma.ValidationError("must look like redis://host:6379/0")
        return str(value)
