"""A cluster of Apache Kafka: three processes, each broker and controller (KRaft), on loopback.

Maven fetches the jars, once.
"""

import base64
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.lab.services import kafka
from tests.events.kafka.helpers import config_of
from tests.ports import unused_port

POM = Path(__file__).with_name("pom.xml")
#: What is needed and missing, as a reason to skip.
MISSING = ", ".join(kafka.missing())

_JAVA = ("java", "-Xms64m", "-Xmx320m", "-XX:TieredStopAtLevel=1", "-cp")


class RealCluster:
    """A running cluster. servers: the address of each broker, the first of which is broker 1."""

    def __init__(self, class_path: str, folders: Sequence[Path], ports: Sequence[int]) -> None:
        self.servers = tuple(f"127.0.0.1:{port}" for port in ports)
        self._class_path = class_path
        self._folders = folders
        self._logs: list[IO[bytes]] = [(folder / "log").open("wb") for folder in folders]
        self._processes = [self._launch(number) for number in range(len(folders))]

    def _launch(self, number: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*_JAVA, self._class_path, "kafka.Kafka", self._folders[number] / "properties"],
            cwd=self._folders[number],
            stdout=self._logs[number],
            stderr=subprocess.STDOUT,
        )

    def kill(self, broker: int) -> None:
        """End a broker as a power failure does."""
        self._processes[broker - 1].send_signal(signal.SIGKILL)
        self._processes[broker - 1].wait()

    def restart(self, broker: int) -> None:
        self._processes[broker - 1] = self._launch(broker - 1)

    def wait_until_complete(self, seconds: float = 120) -> None:
        """Wait until all brokers are in the cluster."""
        admin = AdminClient(config_of(self.servers))
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            try:
                if len(admin.list_topics(timeout=2).brokers) == len(self.servers):
                    return
            except KafkaException:
                time.sleep(0.2)
        raise AssertionError("the brokers did not start")

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        for log in self._logs:
            log.close()


@contextmanager
def real_cluster(folder: Path, *, brokers: int = 3) -> Iterator[RealCluster]:
    class_path = _class_path(folder)
    ports = [unused_port() for _ in range(2 * brokers)]
    cluster_id = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
    folders = []
    for number in range(brokers):
        own = folder / f"broker-{number + 1}"
        own.mkdir()
        properties = own / "properties"
        properties.write_text(
            kafka.properties(
                number + 1,
                broker=f"127.0.0.1:{ports[number]}",
                controllers=[f"127.0.0.1:{port}" for port in ports[brokers:]],
                folder=str(own / "data"),
            )
        )
        arguments = ["format", "--cluster-id", cluster_id, "--config", properties]
        subprocess.run(
            [*_JAVA, class_path, "kafka.tools.StorageTool", *arguments],
            check=True,
            capture_output=True,
        )
        folders.append(own)
    cluster = RealCluster(class_path, folders, ports[:brokers])
    try:
        cluster.wait_until_complete()
        yield cluster
    finally:
        cluster.close()


def _class_path(folder: Path) -> str:
    """The paths of the jars, which stay in Maven's local repository."""
    output = folder / "class-path"
    goal = ("dependency:build-classpath", f"-Dmdep.outputFile={output}")
    subprocess.run(
        ["mvn", "--quiet", "--batch-mode", "--file", POM, *goal],
        check=True,
        capture_output=True,
    )
    return output.read_text().strip()
