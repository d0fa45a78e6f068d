"""What breaks in a drill, and how it is repaired."""

import json
import os
import signal
import time
import urllib.request
from contextlib import suppress
from typing import Final

import psutil  # type: ignore[import-untyped]

from deploy.lab import network
from deploy.lab import up as lab
from deploy.lab.drill import Run
from deploy.lab.errors import LabError
from deploy.lab.hosts import ETCD, PATRONI_PORT, WEB, endpoint
from deploy.lab.services import balancer, etcd, kafka, pooler, redis
from deploy.lab.services import postgres as patroni
from deploy.lab.writer import Writer

#: Seconds without purchases at most. Patroni itself pauses for one of those of a switchover.
_AFTER_KILL: Final = 15
_AFTER_SWITCHOVER: Final = 5


def leader_killed(run: Run) -> None:
    """PostgreSQL of the leader ends with SIGKILL, Patroni lives"""
    host = lab.leader_of(run.machine)
    run.begin(f"SIGKILL for PostgreSQL of {host}")
    for pid in network.processes_on(host):
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if psutil.Process(pid).name() == "postgres":
                os.kill(pid, signal.SIGKILL)
    run.limit = _AFTER_KILL
    run.until_buying()
    _require_other_leader(run, host)


def leader_host_lost(run: Run) -> None:
    """everything on the leader's host ends, as in a power failure"""
    host = lab.leader_of(run.machine)
    run.begin(f"{host} loses its power")
    run.machine.kill_host(host)
    run.until_buying()
    _require_other_leader(run, host)
    patroni.start(run.machine, host)


def leader_cut_off(run: Run) -> None:
    """the leader's host is cut off from the network"""
    host = lab.leader_of(run.machine)
    writer = Writer(run.machine, host)
    try:
        run.begin(f"{host} is cut off")
        network.cut_off(host)
        writer.count()
        run.until_buying()
        _require_other_leader(run, host)
        written = writer.end()
    finally:
        writer.close()
        network.connect(host)
    run.notes.append(f"{written} writes accepted by the old leader")
    if written:
        run.problems.append(f"the old leader has accepted {written} writes: split brain")


def switchover(run: Run) -> None:
    """another server becomes leader, as for maintenance"""
    host = lab.leader_of(run.machine)
    run.begin(f"The synchronous replica takes over from {host}")
    # In this mode no other can. Were it named, the third server would wait two seconds for it
    # before it follows, and commits wait for the third server.
    request = urllib.request.Request(
        f"http://{endpoint(host, PATRONI_PORT)}/switchover",
        json.dumps({"leader": host}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60):
        pass
    run.limit = _AFTER_SWITCHOVER
    run.until_buying()
    _require_other_leader(run, host)


def replica_lost(run: Run) -> None:
    """everything on the host of the synchronous replica ends"""
    (host,) = (m["name"] for m in lab.cluster() if m["role"] == "sync_standby")
    run.begin(f"{host} loses its power")
    run.machine.kill_host(host)
    run.until_buying()
    patroni.start(run.machine, host)


def etcd_minority(run: Run) -> None:
    """one of three etcd ends"""
    run.begin(f"{ETCD[0]} loses its power")
    run.machine.kill_host(ETCD[0])
    run.calm(15)
    run.until_buying(since=time.time())
    etcd.start(run.machine, ETCD[0])


def etcd_majority(run: Run) -> None:
    """two of three etcd end, and come back after half a minute"""
    run.begin(f"{ETCD[0]} and {ETCD[1]} lose their power")
    for host in ETCD[:2]:
        run.machine.kill_host(host)
    run.calm(30)
    last = max((at for at in run.client.successes()), default=run.fault) - run.fault
    if last > 25:
        run.problems.append("writes went on without a majority")
    for host in ETCD[:2]:
        etcd.start(run.machine, host)
    back = time.time()
    run.until_buying(since=back)
    run.notes.append(f"back {time.time() - back:.1f} s after etcd")


def pooler_restarted(run: Run) -> None:
    """PgBouncer ends with SIGKILL and is started again"""
    run.begin("PgBouncer starts anew")
    run.machine.kill(pooler.NAME)
    pooler.start(run.machine)
    run.until_buying()


def balancer_restarted(run: Run) -> None:
    """HAProxy ends with SIGKILL and is started again"""
    run.begin("HAProxy starts anew")
    run.machine.kill(balancer.NAME)
    balancer.start(run.machine)
    run.until_buying()


def redis_lost(run: Run) -> None:
    """everything on the host of Redis' primary ends"""
    host = redis.primary(run.machine)
    run.begin(f"{host} loses its power")
    run.machine.kill_host(host)
    seconds = run.machine.wait(
        lambda: redis.primary(run.machine) not in ("", host), seconds=60, what="another primary"
    )
    run.notes.append(f"another primary of Redis after {seconds:.1f} s")
    run.until_buying(since=time.time())
    redis.start(run.machine, host)


def web_cut_off(run: Run) -> None:
    """one of two web hosts is cut off from the network for 20 s"""
    run.begin(f"{WEB[0]} is cut off")
    network.cut_off(WEB[0])
    run.calm(20)
    network.connect(WEB[0])
    run.until_buying(since=time.time())


def kafka_lost(run: Run) -> None:
    """the broker of Kafka that leads most partitions ends"""
    topic = "order-completed"
    host = kafka.leader_of(topic)
    run.begin(f"{host} loses its power")
    run.machine.kill_host(host)
    run.calm(15)
    run.until_buying(since=time.time())
    kafka.start(run.machine, host)
    run.machine.wait(kafka.are_complete, seconds=120, what="Kafka")
    bought = {answer.order for answer in run.client.answers if answer.order}

    def missing() -> set[str]:
        return bought - set(kafka.subjects(topic))

    with suppress(LabError):
        run.machine.wait(lambda: not missing(), seconds=60, what="the events")
    if lost := missing():
        run.problems.append(f"{len(lost)} of {len(bought)} purchases have no event in Kafka")
    else:
        run.notes.append(f"events of all {len(bought)} purchases are in Kafka")


def _require_other_leader(run: Run, host: str) -> None:
    if lab.leader_of(run.machine) == host:
        run.problems.append(f"{host} is still the leader")
