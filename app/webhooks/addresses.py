"""Where webhooks may be sent: to public addresses only.

A merchant chooses the URL, and this server is in a network with others that trust it. So the URL is
checked when it is saved, and the addresses of its host before every request, which then connects to
one of the addresses that were checked.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from app.common.process_state import Slot

MAX_URL_LENGTH: Final = 2000

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: IPv4 addresses that are not public, or reach others than the host that has them
#: (https://www.iana.org/assignments/iana-ipv4-special-registry).
_RESERVED_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, with the metadata of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",
    )
)
#: Of IPv6 only global unicast is public. Outside of it are loopback, unique local, link-local and
#: multicast addresses, and those that contain IPv4 ones: mapped, compatible and NAT64.
_GLOBAL_V6: Final = IPv6Network("2000::/3")
_RESERVED_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocols, among them Teredo, which contains IPv4 addresses
        "2001:db8::/32",
        "2002::/16",  # 6to4, which contains IPv4 addresses
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)


class UrlInvalid(Exception):
    """The URL cannot be one of a webhook endpoint; one sentence says why."""


class AddressRefused(Exception):
    """The host has an address that webhooks are not sent to, or none."""


def resolve_host(host: str, port: int) -> Sequence[str]:
    """The addresses of a host. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class AddressRules:
    """allowed: networks that are not public, and may be used all the same; resolve: returns the
    addresses of a host and raises OSError."""

    requires_https: bool = True
    allowed: Sequence[Network] = field(default=())
    resolve: Callable[[str, int], Sequence[str]] = resolve_host

    @classmethod
    def of(cls, *, requires_https: bool, allowed: Sequence[str]) -> "AddressRules":
        """allowed: in CIDR notation."""
        return cls(requires_https, [ip_network(text) for text in allowed])

    def allows(self, address: Address) -> bool:
        return is_public(address) or any(address in network for network in self.allowed)


#: The rules of this process.
rules: Final[Slot[AddressRules]] = Slot("addresses of webhooks", default=AddressRules())


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of a URL. host: in ASCII; path: with the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_https(self) -> bool:
        return self.scheme == "https"

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_default = self.port == (443 if self.is_https else 80)
        return host if is_default else f"{host}:{self.port}"


def is_public(address: Address) -> bool:
    """Whether the address is that of a host in the internet, and of no other network."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _RESERVED_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _RESERVED_V6)


def parse_url(url: str) -> Target:
    """The parts of a URL that webhooks can be sent to. Raises UrlInvalid.

    A host that is an address, in whatever spelling, must be an allowed one in the usual spelling.
    """
    parts = _split(url)
    if parts.scheme != "https" and (rules().requires_https or parts.scheme != "http"):
        wanted = "https://" if rules().requires_https else "https:// or http://"
        raise UrlInvalid(f"Must begin with {wanted}.")
    if "@" in parts.netloc:
        raise UrlInvalid("Must not contain a user name or a password.")
    if "#" in url:
        raise UrlInvalid("Must not contain a fragment.")
    host = _ascii_host(parts)
    try:
        port = parts.port
    except ValueError:
        raise UrlInvalid("The port is not valid.") from None
    if port == 0:
        raise UrlInvalid("The port is not valid.")
    _check_literal(host)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    default = 443 if parts.scheme == "https" else 80
    return Target(parts.scheme, host, default if port is None else port, path)


def checked_addresses(target: Target) -> Sequence[str]:
    """The addresses of a host, all of them allowed. Raises AddressRefused.

    One that is not allowed refuses all: nobody has a reason to mix them, except to get in.
    """
    try:
        found = [ip_address(text) for text in rules().resolve(target.host, target.port)]
    except (OSError, UnicodeError, ValueError):
        raise AddressRefused("The host has no address.") from None
    if not found:
        raise AddressRefused("The host has no address.")
    if not all(rules().allows(address) for address in found):
        raise AddressRefused("The host has an address that is not public.")
    return [str(address) for address in found]


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL_LENGTH:
        raise UrlInvalid(f"Must have at most {MAX_URL_LENGTH} characters.")
    # Parsers disagree about these, and one could read another host than the other.
    if not url.isprintable() or any(character in url for character in ' \\"<>^`{|}'):
        raise UrlInvalid("Must be a URL without spaces and special characters.")
    try:
        return urlsplit(url)
    except ValueError:
        raise UrlInvalid("Must be a URL.") from None


def _ascii_host(parts: SplitResult) -> str:
    """The host in ASCII, lower case."""
    try:
        host = parts.hostname or ""
        if ":" not in host:
            host = host.encode("idna").decode().lower()
        path_and_query = parts.path + parts.query
        path_and_query.encode("ascii")
    except UnicodeError:
        raise UrlInvalid("Must be a URL in ASCII; international hosts are accepted.") from None
    if not host or host.startswith(".") or "%" in host:
        raise UrlInvalid("Must contain a host.")
    if host.endswith("."):
        raise UrlInvalid("The host must not end with a dot.")
    return host


def _check_literal(host: str) -> None:
    """Refuse an address that is not allowed, and spellings that only some programs understand."""
    if host == "localhost" or host.endswith(".localhost"):
        addresses = [IPv4Address("127.0.0.1")]
    else:
        try:
            addresses = [ip_address(host)]  # type: ignore[list-item]
        except ValueError:
            # As browsers do: what ends in a number is an address (https://url.spec.whatwg.org).
            last = host.rpartition(".")[2]
            if ":" in host or last.isdigit() or last.startswith("0x"):
                raise UrlInvalid("The address is not in its usual spelling.") from None
            return
    if not all(rules().allows(address) for address in addresses):
        raise UrlInvalid("The address is not public.")
