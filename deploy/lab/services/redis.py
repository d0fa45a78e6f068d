"""Redis with Sentinel: one primary and two replicas, and three that decide which is which."""

from contextlib import suppress
from typing import Final

import redis as client

from app.local.embedded import redis
from deploy.lab.hosts import REDIS, REDIS_PORT, SENTINEL_PORT, address, host_of
from deploy.lab.machine import Machine

#: The name of the primary, which Sentinel is asked for.
NAME: Final = "payment-flow"
_QUORUM: Final = 2


def start(machine: Machine, host: str) -> None:
    """Both write their configuration anew when the primary changes: what is there stays."""
    program = redis.program()
    executable = program.root / program.executable
    password = machine.secret("redis")
    for name, text in (
        ("redis", configuration(host, password)),
        ("sentinel", sentinel(host, password)),
    ):
        path = machine.folder / host / f"{name}.conf"
        if not path.exists():
            machine.write(f"{host}/{name}.conf", text)
        mode = ["--sentinel"] if name == "sentinel" else []
        machine.start(f"{host}/{name}", [executable, path, *mode])


def primary(machine: Machine) -> str:
    """The host of the primary, of which most Sentinels must be sure; empty if there is none."""
    found = []
    for host in REDIS:
        options = {"socket_timeout": 1, "socket_connect_timeout": 1}
        sentinel = client.Sentinel([(address(host), SENTINEL_PORT)], **options)
        with suppress(client.exceptions.RedisError):
            found.append(sentinel.discover_master(NAME)[0])
    if not found or found.count(found[0]) < _QUORUM:
        return ""
    host = host_of(found[0])
    with suppress(client.exceptions.RedisError):
        server = client.Redis(
            address(host), REDIS_PORT, password=machine.secret("redis"), socket_timeout=1
        )
        information = server.info("replication")
        server.close()
        return host if information["role"] == "master" else ""
    return ""


def configuration(host: str, password: str) -> str:
    rules = {"default": ("~*", "&*", "+@all"), **redis.ACL}
    users = "\n".join(f"user {user} on >{password} {' '.join(r)}" for user, r in rules.items())
    replica = "" if host == REDIS[0] else f"replicaof {address(REDIS[0])} {REDIS_PORT}\n"
    return f"""\
bind {address(host)}
port {REDIS_PORT}
{users}
masteruser default
masterauth {password}
{replica}appendonly yes
appendfsync everysec
save ""
repl-timeout 5
repl-ping-replica-period 1
# A primary that is cut off from all replicas takes no more writes.
min-replicas-to-write 1
min-replicas-max-lag 5
"""


def sentinel(host: str, password: str) -> str:
    return f"""\
bind {address(host)}
port {SENTINEL_PORT}
sentinel monitor {NAME} {address(REDIS[0])} {REDIS_PORT} {_QUORUM}
sentinel auth-user {NAME} default
sentinel auth-pass {NAME} {password}
sentinel down-after-milliseconds {NAME} 1500
sentinel failover-timeout {NAME} 10000
sentinel parallel-syncs {NAME} 2
"""
