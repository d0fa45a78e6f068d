"""PostgreSQL under Patroni: one leader, and replicas of which one has every commit."""

import json
import sys
from pathlib import Path
from typing import Any, Final

from app.local.embedded import postgres
from deploy.lab import init
from deploy.lab.hosts import (
    ETCD,
    ETCD_PORT,
    NETWORK,
    PATRONI_PORT,
    POSTGRES_PORT,
    address,
    endpoint,
)
from deploy.lab.machine import Machine

#: The least that Patroni accepts: seconds until a leader that is silent loses its place.
TTL: Final = 20
REPLICATION: Final = "replicator"


def programs() -> Path:
    """The folder of PostgreSQL's programs, those that `./flow up` uses."""
    program = postgres.program()
    return (program.root / program.executable).parent


def start(machine: Machine, host: str) -> None:
    folder = machine.own_folder(host)
    secrets = {name: machine.secret(name) for name in (postgres.SUPERUSER, REPLICATION)}
    config = machine.write(
        f"{host}/patroni.json", json.dumps(configuration(host, folder, programs(), secrets))
    )
    machine.start(
        f"{host}/patroni",
        [sys.executable, init.__file__, machine.folder / "patroni" / "bin" / "patroni", config],
        environment={"PGTZ": "UTC"},
        as_user=True,
    )


def configuration(
    host: str, folder: Path, bin_folder: Path, secrets: dict[str, str]
) -> dict[str, Any]:
    """Patroni's configuration; JSON is YAML, too."""
    superuser = {"username": postgres.SUPERUSER, "password": secrets[postgres.SUPERUSER]}
    return {
        "scope": "payment-flow",
        "name": host,
        "restapi": {
            "listen": endpoint(host, PATRONI_PORT),
            "connect_address": endpoint(host, PATRONI_PORT),
        },
        "etcd3": {"hosts": [endpoint(name, ETCD_PORT) for name in ETCD]},
        "bootstrap": {
            "dcs": _SHARED,
            "initdb": [
                {"encoding": "UTF8"},
                {"locale-provider": "builtin"},
                {"builtin-locale": "C.UTF-8"},
                {"locale": "C"},
                "data-checksums",
            ],
        },
        "postgresql": {
            "listen": endpoint(host, POSTGRES_PORT),
            "connect_address": endpoint(host, POSTGRES_PORT),
            "data_dir": str(folder / "data"),
            "bin_dir": str(bin_folder),
            "pgpass": str(folder / "pgpass"),
            "authentication": {
                "superuser": superuser,
                "rewind": superuser,
                "replication": {"username": REPLICATION, "password": secrets[REPLICATION]},
            },
            "pg_hba": [
                f"host all all {NETWORK}.0/24 scram-sha-256",
                f"host replication {REPLICATION} {NETWORK}.0/24 scram-sha-256",
            ],
            "parameters": {"unix_socket_directories": ""},
        },
    }


_SHARED: Final = {
    "ttl": TTL,
    "loop_wait": 1,
    "retry_timeout": 3,
    "maximum_lag_on_failover": 1_048_576,
    # A commit waits for a replica, and for ever if there is none: nothing acknowledged is lost.
    "synchronous_mode": True,
    "synchronous_mode_strict": True,
    "synchronous_node_count": 1,
    # A PostgreSQL that ended is not started again before another has taken over.
    "primary_start_timeout": 0,
    "postgresql": {
        "use_pg_rewind": True,
        "use_slots": True,
        "parameters": {
            "max_connections": 150,
            "shared_buffers": "64MB",
            "wal_keep_size": "256MB",
            "hot_standby_feedback": "on",
            # A standby that is silent is noticed before somebody has waited for long.
            "wal_retrieve_retry_interval": "100ms",
            "wal_sender_timeout": "3s",
            "wal_receiver_timeout": "3s",
            "tcp_user_timeout": "3s",
            "client_connection_check_interval": "500ms",
            "random_page_cost": 1.1,
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        },
    },
}


def url(machine: Machine, role: str, database: str, at: str) -> str:
    """at: address and port."""
    return f"postgresql://{role}:{machine.secret(role)}@{at}/{database}"


def direct(machine: Machine, host: str, database: str = postgres.DATABASE) -> str:
    """The URL of one server, as superuser."""
    at = f"{address(host)}:{POSTGRES_PORT}"
    return url(machine, postgres.SUPERUSER, database, at)
