"""A cluster of brokers in a process of its own: the one that librdkafka has for tests.

Its functions are in the library, but not in its Python package. This file is also the program of
the process, which reads commands from its input and answers each with a line:
`create TOPIC PARTITIONS`, `down BROKER`, `up BROKER`, `fail API ERROR`.
"""

import ctypes
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROKERS = 3
#: The key of the Produce API, whose next answer `fail` replaces by an error.
PRODUCE = 0


class MockCluster:
    """A running cluster. servers: the address of each broker, the first of which is broker 1."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.servers = tuple(self._read().split(","))

    def create(self, topics: Iterable[str], *, partitions: int = 3) -> None:
        for topic in topics:
            self._do(f"create {topic} {partitions}")

    def stop(self, *brokers: int) -> None:
        for broker in brokers:
            self._do(f"down {broker}")

    def start(self, *brokers: int) -> None:
        for broker in brokers:
            self._do(f"up {broker}")

    def fail(self, api: int, error: int) -> None:
        self._do(f"fail {api} {error}")

    def _do(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        assert self._read() == "0", command

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def mock_cluster() -> Iterator[MockCluster]:
    process = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            yield MockCluster(process)
        finally:
            process.kill()


def library() -> Any:
    """The library of the installed package, with the types of the functions that are called."""
    import confluent_kafka

    package = Path(confluent_kafka.__file__).parent
    folders = (package.parent / "confluent_kafka.libs", package / ".dylibs")
    (path,) = (each for folder in folders for each in folder.glob("librdkafka*"))
    lib = ctypes.CDLL(str(path))
    lib.rd_kafka_new.restype = ctypes.c_void_p
    lib.rd_kafka_new.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    lib.rd_kafka_mock_cluster_new.restype = ctypes.c_void_p
    lib.rd_kafka_mock_cluster_new.argtypes = [ctypes.c_void_p, ctypes.c_int]
    lib.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    lib.rd_kafka_mock_cluster_bootstraps.argtypes = [ctypes.c_void_p]
    for name, types in {
        "topic_create": (ctypes.c_char_p, ctypes.c_int, ctypes.c_int),
        "broker_set_down": (ctypes.c_int32,),
        "broker_set_up": (ctypes.c_int32,),
        "push_request_errors_array": (
            ctypes.c_int16,
            ctypes.c_size_t,
            ctypes.POINTER(ctypes.c_int),
        ),
    }.items():
        getattr(lib, f"rd_kafka_mock_{name}").argtypes = [ctypes.c_void_p, *types]
    return lib


def serve() -> None:
    lib = library()
    client = lib.rd_kafka_new(0, None, ctypes.create_string_buffer(512), 512)
    cluster = lib.rd_kafka_mock_cluster_new(client, BROKERS)
    print(lib.rd_kafka_mock_cluster_bootstraps(cluster).decode(), flush=True)  # noqa: T201

    def fail(api: str, error: str) -> object:
        errors = (ctypes.c_int * 1)(int(error))
        return lib.rd_kafka_mock_push_request_errors_array(cluster, int(api), 1, errors)

    commands: dict[str, Callable[..., object]] = {
        "create": lambda topic, partitions: lib.rd_kafka_mock_topic_create(
            cluster, topic.encode(), int(partitions), BROKERS
        ),
        "down": lambda broker: lib.rd_kafka_mock_broker_set_down(cluster, int(broker)),
        "up": lambda broker: lib.rd_kafka_mock_broker_set_up(cluster, int(broker)),
        "fail": fail,
    }
    for line in sys.stdin:
        name, *arguments = line.split()
        print(commands[name](*arguments) or 0, flush=True)  # noqa: T201


if __name__ == "__main__":
    serve()
