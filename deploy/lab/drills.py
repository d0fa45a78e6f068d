"""Every drill by its name."""

from collections.abc import Callable, Mapping
from typing import Final

from deploy.lab import faults, releases
from deploy.lab.drill import Run

DRILLS: Final[Mapping[str, Callable[[Run], None]]] = {
    "leader-killed": faults.leader_killed,
    "leader-host-lost": faults.leader_host_lost,
    "leader-cut-off": faults.leader_cut_off,
    "switchover": faults.switchover,
    "replica-lost": faults.replica_lost,
    "etcd-minority": faults.etcd_minority,
    "etcd-majority": faults.etcd_majority,
    "pooler-restarted": faults.pooler_restarted,
    "balancer-restarted": faults.balancer_restarted,
    "redis-lost": faults.redis_lost,
    "kafka-lost": faults.kafka_lost,
    "web-cut-off": faults.web_cut_off,
    "rolling-restart": releases.rolling_restart,
    "rolling-release": releases.rolling_release,
    "blue-green": releases.blue_green,
    "canary": releases.canary,
}
