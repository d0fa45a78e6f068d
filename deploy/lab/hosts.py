"""The hosts of the lab, their addresses and ports."""

from collections.abc import Mapping
from typing import Final

#: The first three bytes of every address.
NETWORK: Final = "10.231.77"
#: Of the machine itself, where the client is.
OUTSIDE: Final = f"{NETWORK}.1"

ETCD: Final = ("etcd1", "etcd2", "etcd3")
DATABASES: Final = ("db1", "db2", "db3")
REDIS: Final = ("redis1", "redis2", "redis3")
KAFKA: Final = ("kafka1", "kafka2", "kafka3")
WEB: Final = ("web1", "web2")
#: The next version, for a release.
CANARY: Final = "canary"

#: Last byte of the address of each host.
_NUMBERS: Final[Mapping[str, int]] = {
    "gateway": 10,
    "monitor": 15,
    "balancer": 20,
    "pooler": 30,
    **{name: 41 + n for n, name in enumerate(ETCD)},
    **{name: 51 + n for n, name in enumerate(DATABASES)},
    **{name: 61 + n for n, name in enumerate(REDIS)},
    **{name: 71 + n for n, name in enumerate(KAFKA)},
    **{name: 81 + n for n, name in enumerate(WEB)},
    CANARY: 89,
    "worker": 91,
    "live": 92,
}
HOSTS: Final = tuple(_NUMBERS)

POSTGRES_PORT: Final = 5432
PATRONI_PORT: Final = 8008
ETCD_PORT: Final = 2379
ETCD_PEER_PORT: Final = 2380
POOLER_PORT: Final = 6432
REDIS_PORT: Final = 6379
SENTINEL_PORT: Final = 26379
KAFKA_PORT: Final = 9092
KAFKA_CONTROLLER_PORT: Final = 9093
WEB_PORT: Final = 3000
LIVE_PORT: Final = 3001
#: Of the balancer: the leader of PostgreSQL, and its replicas.
WRITES_PORT: Final = 5000
READS_PORT: Final = 5001
STATUS_PORT: Final = 8404
MONITOR_PORT: Final = 9090
WORKER_METRICS_PORT: Final = 3008
LIVE_METRICS_PORT: Final = 3009


def address(host: str) -> str:
    return f"{NETWORK}.{_NUMBERS[host]}"


def endpoint(host: str, port: int) -> str:
    """`address:port`."""
    return f"{address(host)}:{port}"


def host_of(ip: str) -> str:
    """The host that has the address."""
    number = int(ip.rpartition(".")[2])
    return next(name for name, own in _NUMBERS.items() if own == number)
