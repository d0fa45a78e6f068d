"""Redis with Sentinel: one primary and two replicas, and three that decide which is which."""

from typing import Final

from app.local.embedded import redis
from deploy.lab.hosts import REDIS, REDIS_PORT, SENTINEL_PORT, address
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
