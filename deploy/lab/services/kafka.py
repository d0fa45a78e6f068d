"""Apache Kafka: three brokers, each also a controller (KRaft). Maven fetches the jars."""

import base64
import json
import shutil
import subprocess
from collections.abc import Sequence
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from app.common.settings import PROJECT_ROOT
from deploy.lab.errors import LabError
from deploy.lab.hosts import KAFKA, KAFKA_CONTROLLER_PORT, KAFKA_PORT, endpoint
from deploy.lab.machine import Machine

SERVERS: Final = ",".join(endpoint(host, KAFKA_PORT) for host in KAFKA)
#: Of the application.
SETTINGS: Final = {"KAFKA_BOOTSTRAP_SERVERS": SERVERS, "KAFKA_PARTITIONS": "3"}
_POM: Final = PROJECT_ROOT / "tests" / "events" / "kafka" / "pom.xml"
_JAVA: Final = ("java", "-Xms64m", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp")
#: Seconds that the brokers may take to answer a question.
_SECONDS: Final = 5


def missing() -> list[str]:
    """The programs without which there is no Kafka in the lab."""
    return [program for program in ("java", "mvn") if shutil.which(program) is None]


def start(machine: Machine, host: str) -> None:
    folder = machine.folder / host
    properties = folder / "server.properties"
    class_path = _class_path(machine)
    if not properties.exists():
        machine.write(f"{host}/server.properties", configuration(host, str(folder / "data")))
    if not (folder / "data" / "meta.properties").exists():
        key = bytes.fromhex(machine.secret("kafka"))[:16]
        cluster = base64.urlsafe_b64encode(key).decode().rstrip("=")
        _run(
            *(*_JAVA, class_path, "kafka.tools.StorageTool"),
            *("format", "--cluster-id", cluster, "--config", str(properties)),
        )
    java = shutil.which("java") or "java"
    machine.start(f"{host}/kafka", [java, *_JAVA[1:], class_path, "kafka.Kafka", properties])


def configuration(host: str, folder: str) -> str:
    return properties(
        KAFKA.index(host) + 1,
        broker=endpoint(host, KAFKA_PORT),
        controllers=[endpoint(name, KAFKA_CONTROLLER_PORT) for name in KAFKA],
        folder=folder,
    )


def properties(node: int, *, broker: str, controllers: Sequence[str], folder: str) -> str:
    """The configuration of one of several processes that are each broker and controller.

    node: from 1; broker: its address as host:port; controllers: those of all, in the order of
    their nodes.
    """
    voters = ",".join(f"{number}@{address}" for number, address in enumerate(controllers, 1))
    return f"""\
process.roles=broker,controller
node.id={node}
controller.listener.names=CONTROLLER
controller.quorum.voters={voters}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
listeners=PLAINTEXT://{broker},CONTROLLER://{controllers[node - 1]}
advertised.listeners=PLAINTEXT://{broker}
log.dirs={folder}
auto.create.topics.enable=false
offsets.topic.replication.factor=3
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
controller.quorum.election.timeout.ms=500
controller.quorum.fetch.timeout.ms=1000
"""


def are_complete() -> bool:
    """Whether all brokers are in the cluster, and every partition has all of its replicas."""
    admin = AdminClient({"bootstrap.servers": SERVERS, "log_level": 0})
    try:
        found = admin.list_topics(timeout=_SECONDS)
    except KafkaException:
        return False
    partitions = [part for topic in found.topics.values() for part in topic.partitions.values()]
    return len(found.brokers) == len(KAFKA) and all(
        len(part.isrs) == len(part.replicas) for part in partitions
    )


def leader_of(topic: str) -> str:
    """The host that leads most partitions of a topic. Raises LabError."""
    admin = AdminClient({"bootstrap.servers": SERVERS, "log_level": 0})
    try:
        parts = admin.list_topics(topic, timeout=_SECONDS).topics[topic].partitions.values()
    except KafkaException as error:
        raise LabError(f"Kafka does not answer: {error}") from error
    leaders = [part.leader for part in parts]
    return KAFKA[max(leaders, key=leaders.count, default=1) - 1]


def subjects(topic: str) -> list[str]:
    """The id of what each message of a topic is about. Raises LabError."""
    consumer = Consumer(
        {"bootstrap.servers": SERVERS, "group.id": "lab", "enable.auto.commit": False}
    )
    try:
        known = consumer.list_topics(topic, timeout=_SECONDS).topics[topic].partitions
        parts = [TopicPartition(topic, number, OFFSET_BEGINNING) for number in known]
        ends = [consumer.get_watermark_offsets(part, timeout=_SECONDS) for part in parts]
        number = sum(high - low for low, high in ends)
        consumer.assign(parts)
        found: list[str] = []
        while len(found) < number:
            messages = consumer.consume(500, timeout=_SECONDS)
            if not messages:
                raise LabError(f"Kafka has sent {len(found)} of {number} messages.")
            found += [
                str(json.loads(message.value() or b"{}")["subject"]).rpartition("/")[2]
                for message in messages
                if message.error() is None
            ]
    except KafkaException as error:
        raise LabError(f"Kafka does not answer: {error}") from error
    finally:
        consumer.close()
    return found


def _class_path(machine: Machine) -> str:
    """The paths of the jars, which stay in Maven's local repository."""
    output = machine.folder / "kafka-class-path"
    if not output.exists():
        goal = ("dependency:build-classpath", f"-Dmdep.outputFile={output}")
        _run("mvn", "--quiet", "--batch-mode", "--file", str(_POM), *goal)
    return output.read_text().strip()


def _run(*command: str) -> None:
    result = subprocess.run(  # noqa: S603 – commands of our own
        command, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        lines = (result.stdout + result.stderr).strip().splitlines() or ["no output"]
        raise LabError(f"`{command[0]}` failed: {lines[-1]}")
