"""`./flow lab up`, `status` and `down`."""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg

from app.local.embedded import postgres
from deploy.lab import network, packages
from deploy.lab.errors import LabError
from deploy.lab.hosts import (
    DATABASES,
    ETCD,
    ETCD_PORT,
    HOSTS,
    KAFKA,
    LIVE_PORT,
    PATRONI_PORT,
    REDIS,
    WEB,
    WEB_PORT,
    endpoint,
)
from deploy.lab.machine import Machine
from deploy.lab.services import application, balancer, etcd, gateway, kafka, monitor, pooler, redis
from deploy.lab.services import postgres as patroni

_START_SECONDS = 180
#: Without proxies: the addresses are on this machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def require_root() -> None:
    """Raises LabError."""
    if sys.platform != "linux":
        raise LabError("The lab needs the network namespaces of Linux.")
    if os.geteuid() != 0:
        raise LabError("The lab needs root, which network namespaces require.")


def up(machine: Machine, *, install: bool, show: Callable[[str], None]) -> None:
    """Start what does not run. Raises LabError."""
    require_root()
    packages.require(install=install, show=show)
    if network.exists(HOSTS[0]) and not machine.exists:
        raise LabError("There is another lab on this machine.")
    machine.acquire()
    show("Installing Patroni")
    packages.install_patroni(machine.folder / "patroni")
    # Fewer than all: an earlier command was interrupted before it started anything.
    if not all(network.exists(host) for host in HOSTS):
        show(f"Making {len(HOSTS)} hosts")
        network.remove()
        network.create(HOSTS)
    show("Starting etcd, Redis, HAProxy and PgBouncer")
    for host in ETCD:
        etcd.start(machine, host)
    for host in REDIS:
        redis.start(machine, host)
    balancer.start(machine)
    pooler.start(machine)
    machine.wait(
        lambda: all(answers(f"http://{endpoint(host, ETCD_PORT)}/health") for host in ETCD),
        seconds=_START_SECONDS,
        what="etcd",
    )
    if absent := kafka.missing():
        show(f"Without Kafka, because {' and '.join(absent)} are missing")
    else:
        show("Starting Kafka")
        for host in KAFKA:
            kafka.start(machine, host)
    show("Starting PostgreSQL under Patroni")
    for host in DATABASES:
        patroni.start(machine, host)
    wait_for_databases(machine)
    leader = leader_of(machine)
    passwords = {
        role: machine.secret(role) for role in (postgres.SUPERUSER, postgres.OWNER, postgres.APP)
    }
    postgres.create_roles_and_database(
        lambda role, database: patroni.direct(machine, leader, database).replace(
            f"{postgres.SUPERUSER}:{machine.secret(postgres.SUPERUSER)}",
            f"{role}:{machine.secret(role)}",
        ),
        passwords,
    )
    show("Migrating the database")
    application.run(machine, "migrate")
    show("Starting web, worker, live, nginx and Prometheus")
    for host in (*WEB, "worker", "live"):
        application.start(machine, host)
    gateway.start(machine)
    monitor.start(machine)
    wait_until_whole(machine, seconds=_START_SECONDS)


def down(machine: Machine) -> bool:
    """End everything, and delete it. Returns whether there was anything."""
    require_root()
    if not machine.exists:
        return False
    machine.acquire()
    for host in HOSTS:
        if network.exists(host):
            machine.kill_host(host)
    network.remove()
    machine.remove()
    return True


def wait_for_databases(machine: Machine, *, seconds: float = _START_SECONDS) -> None:
    """Wait for a leader with two replicas, one of which is synchronous."""

    def are_whole() -> bool:
        machine.require_running(*(f"{host}/patroni" for host in DATABASES))
        return problem_of_databases() is None

    machine.wait(are_whole, seconds=seconds, what="PostgreSQL")


def wait_until_whole(machine: Machine, *, seconds: float = 120) -> None:
    """Wait until nothing is missing. Raises LabError."""
    deadline = time.monotonic() + seconds
    while problems := problems_of(machine):
        if time.monotonic() > deadline:
            raise LabError(f"The lab is not whole: {'; '.join(problems)}.")
        time.sleep(0.2)


def problems_of(machine: Machine) -> list[str]:
    """What is missing, in words."""
    found = [f"{name} does not run" for name in expected(machine) if not machine.is_running(name)]
    found += [
        f"{host} is ill"
        for host in ETCD
        if not answers(f"http://{endpoint(host, ETCD_PORT)}/health")
    ]
    if problem := problem_of_databases():
        found.append(problem)
    if machine.is_running(balancer.NAME):
        with suppress(OSError):
            for backend, number in (("web", len(WEB)), ("writes", 1), ("replicas", 2)):
                servers = balancer.servers(machine, backend)
                up = [name for name, row in servers.items() if row["status"].startswith("UP")]
                if len(up) != number:
                    found.append(f"HAProxy knows {len(up)} servers of {backend}, not {number}")
    if not kafka.missing() and not kafka.are_complete():
        found.append("Kafka lacks a broker or a replica")
    if not redis.primary(machine):
        found.append("Redis has no primary")
    if not answers(f"http://{endpoint('live', LIVE_PORT)}/api/health"):
        found.append("live does not answer")
    if not answers(f"{monitor.ADDRESS}/-/ready"):
        found.append("Prometheus does not answer")
    return found


def expected(machine: Machine) -> list[str]:
    """The processes that run in a whole lab."""
    return [
        *(f"{host}/etcd" for host in ETCD),
        *(f"{host}/patroni" for host in DATABASES),
        *(f"{host}/{name}" for host in REDIS for name in ("redis", "sentinel")),
        balancer.NAME,
        pooler.NAME,
        *([] if kafka.missing() else [f"{host}/kafka" for host in KAFKA]),
        *(application.name_of(host) for host in (*WEB, "worker", "live")),
        gateway.NAME,
        monitor.NAME,
    ]


def problem_of_databases() -> str | None:
    """Why PostgreSQL is not whole, None if it is."""
    members = cluster()
    roles = sorted(
        member["role"] for member in members if member["state"] in ("running", "streaming")
    )
    if roles == ["leader", "replica", "sync_standby"]:
        return None
    return f"PostgreSQL has {', '.join(roles) or 'no servers'}"


def cluster() -> list[dict[str, Any]]:
    """The members of the cluster of PostgreSQL, as Patroni sees them; empty if it does not tell."""
    for host in DATABASES:
        with suppress(OSError, ValueError):
            url = f"http://{endpoint(host, PATRONI_PORT)}/cluster"
            with _opener.open(url, timeout=2) as response:
                members: list[dict[str, Any]] = json.load(response)["members"]
                return members
    return []


def leader_of(machine: Machine) -> str:
    """The host of PostgreSQL's leader. Raises LabError."""
    for member in cluster():
        if member["role"] == "leader":
            return str(member["name"])
    raise LabError("PostgreSQL has no leader.")


def answers(url: str) -> bool:
    """Whether the address answers with a status below 300."""
    with suppress(OSError), _opener.open(url, timeout=2):
        return True
    return False


def status(machine: Machine) -> dict[str, str]:
    """Each host, and what runs on it."""
    members = {member["name"]: member for member in cluster()}
    found: dict[str, str] = {}
    for host in HOSTS:
        if not network.exists(host):
            continue
        own = [name for name in machine.names() if name.startswith(f"{host}/")]
        words = [
            f"{name.partition('/')[2]}{'' if machine.is_running(name) else ' (has ended)'}"
            for name in own
        ]
        if member := members.get(host):
            words.append(f"{member['role']}, {member['state']}")
        found[host] = " · ".join(words) or "nothing runs"
    if absent := kafka.missing():
        found |= dict.fromkeys(KAFKA, f"no Kafka, because {' and '.join(absent)} are missing")
    return found


def query(machine: Machine, statement: str, **values: object) -> list[tuple[Any, ...]]:
    """The rows that the leader has, read as superuser."""
    with psycopg.connect(
        patroni.direct(machine, leader_of(machine)), autocommit=True, connect_timeout=5
    ) as connection:
        return connection.execute(statement.encode(), values or None).fetchall()


def execute(machine: Machine, statement: str) -> None:
    """Change something at the leader, as superuser."""
    with psycopg.connect(
        patroni.direct(machine, leader_of(machine)), autocommit=True, connect_timeout=5
    ) as connection:
        connection.execute(statement.encode())


def web_is_ready(host: str) -> bool:
    return answers(f"http://{endpoint(host, WEB_PORT)}/health/ready")
