"""URLs of a Redis that Sentinels know by name.

`redis+sentinel://user:password@sentinel-1:26379,sentinel-2:26379/name/0`: user, password and
database are those of the Redis. Sentinels that require a login of their own get that of the
parameters `sentinel_username` and `sentinel_password`. With `rediss+sentinel` both use TLS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from redis.connection import parse_url

from app.common.env_fields import SENTINEL_PORT, SENTINEL_SCHEMES, hosts_of

_LOGIN: Final = {"sentinel_username": "username", "sentinel_password": "password"}


@dataclass(frozen=True)
class Primary:
    """A Redis, by the name that Sentinels know it by.

    sentinels: host and port of each; login: options of the connections to them; options: of the
    connections to the Redis.
    """

    name: str
    sentinels: Sequence[tuple[str, int]]
    login: Mapping[str, Any]
    options: Mapping[str, Any]


def parse(url: str) -> Primary | None:
    """The Redis of a setting; None if its address is in the URL itself."""
    parts = urlsplit(url)
    if parts.scheme not in SENTINEL_SCHEMES:
        return None
    _, name, *database = parts.path.split("/")
    query = dict(parse_qsl(parts.query))
    user = parts.netloc.rpartition("@")[0]
    options = parse_url(f"redis://{user}@/{''.join(database)}")  # type: ignore[no-untyped-call]
    tls = {"ssl": True} if parts.scheme == SENTINEL_SCHEMES[1] else {}
    login = {option: query[name] for name, option in _LOGIN.items() if name in query}
    sentinels = hosts_of(parts, port=SENTINEL_PORT)
    return Primary(name, sentinels, {**login, **tls}, {**options, **tls})
