"""Internet addresses, as one customer of a provider has them."""

from ipaddress import IPv4Address, ip_address, ip_network
from typing import Final

#: Prefix of the IPv6 addresses that one customer of a provider has (RFC 6177).
_IPV6_PREFIX: Final = 64


def network_of(address: str) -> str:
    """The IPv4 address, or the IPv6 network, that the customer with this address has. What is no
    address is returned as it is."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ip_network((found, _IPV6_PREFIX), strict=False))
