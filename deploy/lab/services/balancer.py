"""HAProxy: knows the leader of PostgreSQL, its replicas, and the web servers that work."""

import csv
import socket
from collections.abc import Iterable
from pathlib import Path

from deploy.lab.hosts import (
    CANARY,
    DATABASES,
    PATRONI_PORT,
    POSTGRES_PORT,
    READS_PORT,
    STATUS_PORT,
    WEB,
    WEB_PORT,
    WRITES_PORT,
    address,
    endpoint,
)
from deploy.lab.machine import Machine
from deploy.lab.packages import path_of

NAME = "balancer/haproxy"
#: At which the canary is reached.
CANARY_PORT = WEB_PORT + 1


def start(machine: Machine) -> None:
    text = configuration(_socket(machine))
    machine.start(NAME, [path_of("haproxy"), "-f", machine.write("balancer/haproxy.cfg", text)])


def command(machine: Machine, text: str) -> str:
    """The answer of the running HAProxy to a command of its operator."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(_socket(machine)))
        connection.sendall(f"{text}\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def servers(machine: Machine, backend: str) -> dict[str, dict[str, str]]:
    """The statistics of each server of a backend."""
    lines = command(machine, "show stat").lstrip("# ").splitlines()
    return {
        row["svname"]: row
        for row in csv.DictReader(lines)
        if row["pxname"] == backend and row["svname"] not in ("BACKEND", "FRONTEND")
    }


def _socket(machine: Machine) -> Path:
    # Its path may have 107 letters only.
    return machine.folder / "ha.sock"


def _servers(hosts: Iterable[str], port: int, options: str = "") -> str:
    return "\n".join(f"    server {host} {endpoint(host, port)}{options}" for host in hosts)


def configuration(control: Path) -> str:
    own = address("balancer")
    patroni = f" check port {PATRONI_PORT}"
    return f"""\
global
    log stdout format raw local0 notice
    maxconn 4000
    stats socket {control} mode 600 level admin

defaults
    log global
    option dontlognull
    option redispatch
    retries 2
    timeout connect 1s
    timeout check 1s
    timeout queue 5s
    timeout client 1h
    timeout server 1h
    timeout http-request 10s
    timeout http-keep-alive 60s

# Patroni knows who the leader is: it holds a lease in etcd. Connections to a former leader end.
listen writes
    mode tcp
    bind {own}:{WRITES_PORT}
    option httpchk GET /primary
    default-server inter 500ms fastinter 250ms fall 2 rise 1 on-marked-down shutdown-sessions
{_servers(DATABASES, POSTGRES_PORT, patroni)}

frontend reads
    mode tcp
    bind {own}:{READS_PORT}
    use_backend leader if {{ nbsrv(replicas) lt 1 }}
    default_backend replicas

backend replicas
    mode tcp
    balance leastconn
    option httpchk GET /replica?lag=16MB
    default-server inter 500ms fastinter 250ms fall 2 rise 1 on-marked-down shutdown-sessions
{_servers(DATABASES, POSTGRES_PORT, patroni)}

backend leader
    mode tcp
    option httpchk GET /primary
    default-server inter 500ms fastinter 250ms fall 2 rise 1 on-marked-down shutdown-sessions
{_servers(DATABASES, POSTGRES_PORT, patroni)}

# As deploy/haproxy/haproxy.cfg: a request is repeated only if no connection was established.
frontend shop
    mode http
    bind {own}:{WEB_PORT}
    option forwardfor
    timeout client 60s
    default_backend web

backend web
    mode http
    balance leastconn
    timeout server 180s
    retry-on conn-failure
    option httpchk GET /health/ready
    http-check expect status 200
    default-server inter 500ms fall 3 rise 1 on-marked-down shutdown-sessions
{_servers(WEB, WEB_PORT, " check")}

frontend shop-canary
    mode http
    bind {own}:{CANARY_PORT}
    option forwardfor
    timeout client 60s
    use_backend web if {{ nbsrv(canary) lt 1 }}
    default_backend canary

backend canary
    mode http
    timeout server 180s
    option httpchk GET /health/ready
    http-check expect status 200
    default-server inter 500ms fall 2 rise 1
{_servers([CANARY], WEB_PORT, " check")}

frontend status
    mode http
    bind {own}:{STATUS_PORT}
    http-request use-service prometheus-exporter if {{ path /metrics }}
    http-request deny
"""
