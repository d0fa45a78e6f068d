"""etcd: says who the leader of PostgreSQL is."""

from deploy.lab.hosts import ETCD, ETCD_PEER_PORT, ETCD_PORT, endpoint
from deploy.lab.machine import Machine
from deploy.lab.packages import path_of


def start(machine: Machine, host: str) -> None:
    machine.start(
        f"{host}/etcd",
        [path_of("etcd"), *arguments(host, str(machine.folder / host / "data"))],
        # Debian's package reads settings from the environment; there are none of it here.
        environment={"ETCD_LOGGER": "zap"},
    )


def arguments(host: str, folder: str) -> list[str]:
    client, peer = (f"http://{endpoint(host, port)}" for port in (ETCD_PORT, ETCD_PEER_PORT))
    cluster = ",".join(f"{name}=http://{endpoint(name, ETCD_PEER_PORT)}" for name in ETCD)
    return [
        f"--name={host}",
        f"--data-dir={folder}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster={cluster}",
        "--initial-cluster-token=payment-flow-lab",
        # Patroni checks its lease every second; a second without a leader costs little.
        "--heartbeat-interval=100",
        "--election-timeout=1000",
        "--log-level=warn",
    ]
