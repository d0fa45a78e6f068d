"""Network namespaces as hosts: each has a cable (a veth pair) to one bridge."""

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]

from deploy.lab.errors import LabError
from deploy.lab.hosts import HOSTS, NETWORK, OUTSIDE, address

BRIDGE: Final = "pflab"
_NAMESPACES: Final = Path("/run/netns")


def create(hosts: Iterable[str]) -> None:
    """Make the bridge and the hosts. Raises LabError if the addresses are in use."""
    for interface, addresses in psutil.net_if_addrs().items():
        if any(each.address.startswith(f"{NETWORK}.") for each in addresses):
            raise LabError(f"The addresses {NETWORK}.0/24 are in use by {interface}.")
    _ip("link", "add", BRIDGE, "type", "bridge")
    _ip("address", "add", f"{OUTSIDE}/24", "dev", BRIDGE)
    _ip("link", "set", BRIDGE, "up")
    for host in hosts:
        name, cable = namespace(host), _cable(host)
        _ip("netns", "add", name)
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", cable, "master", BRIDGE, "up")
        _ip("link", "set", "lo", "up", host=host)
        _ip("address", "add", f"{address(host)}/24", "dev", "eth0", host=host)
        _ip("link", "set", "eth0", "up", host=host)


def remove() -> None:
    """Remove the hosts, their cables and the bridge, as far as they exist."""
    cables = psutil.net_if_stats()
    for host in HOSTS:
        # First the cable: without it, the namespace of a dying process may live a little longer.
        if _cable(host) in cables:
            _ip("link", "delete", _cable(host))
        if exists(host):
            _ip("netns", "delete", namespace(host))
    if BRIDGE in psutil.net_if_stats():
        _ip("link", "delete", BRIDGE)


def exists(host: str) -> bool:
    return (_NAMESPACES / namespace(host)).exists()


def namespace(host: str) -> str:
    return f"{BRIDGE}-{host}"


def inside(host: str) -> list[str]:
    """What a command starts with to run on the host."""
    return ["nsenter", f"--net={_NAMESPACES / namespace(host)}"]


def processes_on(host: str) -> list[int]:
    """The ids of all processes on the host."""
    return [int(line) for line in _ip("netns", "pids", namespace(host)).split()]


def cut_off(host: str) -> None:
    """Pull the cable."""
    _ip("link", "set", _cable(host), "down")


def connect(host: str) -> None:
    """Plug the cable in again."""
    _ip("link", "set", _cable(host), "up")


def _cable(host: str) -> str:
    """The outer end of the cable; at most 15 letters."""
    return f"pf-{host}"


def _ip(*arguments: str, host: str | None = None) -> str:
    """The output of a command, run on a host or outside."""
    # `ip -n` changes mounts, too, which fails in a chroot.
    result = subprocess.run(  # noqa: S603 – arguments of our own
        [*(inside(host) if host else []), "ip", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise LabError(f"`ip {' '.join(arguments)}` failed: {result.stderr.strip()}.")
    return result.stdout
