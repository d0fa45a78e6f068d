"""deploy/kubernetes agrees with the application: settings, ports, probes, limits and names."""

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from flask import Flask

from app.cli import main
from app.common.env_fields import declarations
from app.common.settings import PROJECT_ROOT, Settings, load_for_migration
from app.events.messages import INBOUND_TYPES
from app.health import views as health
from app.local.embedded.redis import ACL
from app.server.processes import STOP_SECONDS
from app.webhooks import addresses
from tests.compose import SERVICES
from tests.deploy.manifests import (
    COMMANDS,
    KUBERNETES,
    OVERLAYS,
    VAULT,
    container_of,
    environment,
    name_of,
    named,
    of_kind,
    own_pods,
    pods,
    secrets,
)
from tests.environment import empty_environment, load

__all__ = ["empty_environment"]

DECLARED: Final = declarations(Settings)
#: For boto3, which reads them itself.
OF_OTHERS: Final = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
PROCESSES: Final = ("web", "worker", "live")

#: Connections that each process of a pod may open: two are of health checks.
HEALTH_CONNECTIONS: Final = 2
#: The worker has seven processes that use one or two at a time, and the relay one for LISTEN.
WORKER_CONNECTIONS: Final = 16
LIVE_CONNECTIONS: Final = 4 + HEALTH_CONNECTIONS
#: For `migrate`, administrators, and the operator of the database.
SPARE_CONNECTIONS: Final = 20

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@each_overlay
def test_every_setting_is_declared(overlay: str) -> None:
    for name, pod in own_pods(overlay).items():
        undeclared = environment(overlay, pod).keys() - DECLARED.keys() - OF_OTHERS
        assert not undeclared, name


@each_overlay
def test_no_secret_is_in_a_config_map(overlay: str) -> None:
    secret = {field.name.upper() for field in fields(Settings) if not field.repr}
    assert "DATABASE_URL" in secret
    for each in of_kind(overlay, "ConfigMap"):
        given = {name: each["data"][name] for name in secret & each["data"].keys()}
        # Which of these is off is none.
        assert given.items() <= {"STRIPE_SECRET_KEY": "off", "BANK_PROVIDERS": "[]"}.items()


@each_overlay
@pytest.mark.parametrize("name", PROCESSES)
def test_processes_start_with_their_settings(
    overlay: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(monkeypatch, **environment(overlay, pods(overlay)[name]))
    assert settings.is_production == (overlay == "production")
    assert settings.host == settings.metrics_host == "0.0.0.0"
    assert settings.trusted_proxies == 1
    # Where files of merchants are: the root file system cannot be written to.
    mounts = {
        each["mountPath"] for each in container_of(pods(overlay)[name]).get("volumeMounts", ())
    }
    assert settings.files_s3_bucket or name == "live" or str(settings.files_dir) in mounts
    folders = {str(settings.kafka_ca_file.parent)} if settings.kafka_ca_file else set()
    assert folders <= mounts
    (ingress,) = of_kind(overlay, "Ingress")
    assert settings.public_address.partition("://")[2] == ingress["spec"]["rules"][0]["host"]


@each_overlay
def test_migrate_starts_with_its_settings(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in environment(overlay, pods(overlay)["migrate"]).items():
        monkeypatch.setenv(key, value)
    settings = load_for_migration()
    assert settings.migration_database_url is not None
    assert settings.database_url is not None
    assert "payment_flow_owner:" in settings.migration_database_url


@each_overlay
def test_only_migrate_is_the_owner(overlay: str) -> None:
    for name, pod in own_pods(overlay).items():
        has_it = "MIGRATION_DATABASE_URL" in environment(overlay, pod)
        assert has_it == (name == "migrate")


@each_overlay
def test_addresses_name_services_and_ports(overlay: str) -> None:
    services = {
        name_of(each): each["spec"]["ports"][0]["port"] for each in of_kind(overlay, "Service")
    }
    # Of CloudNativePG and Strimzi.
    services["postgres-rw"] = 5432
    services["events-kafka-bootstrap"] = 9093
    found = 0
    for pod in own_pods(overlay).values():
        for name, value in environment(overlay, pod).items():
            if name == "PUBLIC_URL":
                continue
            for host, port in re.findall(r"(?:@|//|^)([a-z][a-z-]*):(\d+)(?:/|\?|$)", value):
                assert services[host] == int(port), name
                found += 1
    assert found >= 15


@each_overlay
def test_commands_exist(overlay: str) -> None:
    for name, pod in own_pods(overlay).items():
        assert container_of(pod)["args"] == ["python", "-m", "app.cli", COMMANDS[name]]
        assert COMMANDS[name] in main.commands
    for probe in ("startupProbe", "livenessProbe"):
        command = container_of(pods(overlay)["worker"])[probe]["exec"]["command"]
        assert command[:3] == ["python", "-m", "app.cli"]
        assert command[3] in main.commands


@each_overlay
def test_ports_are_those_of_the_settings(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, **environment(overlay, pods(overlay)["web"]))
    ports = {
        name: {each["name"]: each["containerPort"] for each in container_of(pod).get("ports", ())}
        for name, pod in own_pods(overlay).items()
    }
    assert ports == {
        "web": {"http": settings.port},
        "worker": {"metrics": settings.worker_metrics_port},
        "live": {"streams": settings.live_port, "metrics": settings.live_metrics_port},
        "migrate": {},
    }


@cache
def paths_of_live() -> set[str]:
    """The paths of the live process, from a process of its own: it wires what no other has."""
    code = """
from unittest.mock import Mock
from app.common.settings import Settings
from app.live.views import create_api
for rule in create_api(Settings(), Mock(), Mock(), Mock()).url_map.iter_rules():
    print(rule.rule)
"""
    listed = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    return set(listed.stdout.split())


@each_overlay
def test_probes_ask_for_paths_that_exist(overlay: str) -> None:
    web = Flask("web")
    web.register_blueprint(health.blp)
    web.register_blueprint(health.metrics_blp)
    paths = {
        "web": {rule.rule for rule in web.url_map.iter_rules()},
        "live": paths_of_live(),
    }
    asked = {
        (name, kind, probe["httpGet"]["path"])
        for name, pod in own_pods(overlay).items()
        for kind, probe in container_of(pod).items()
        if kind.endswith("Probe") and "httpGet" in probe
    }
    assert all(path in paths[name] for name, _, path in asked)
    assert {
        ("web", "livenessProbe", "/health/live"),
        ("web", "readinessProbe", "/health/ready"),
    } < asked
    for pod in own_pods(overlay).values():
        container = container_of(pod)
        ports = {each["name"] for each in container.get("ports", ())}
        for kind, probe in container.items():
            check = (
                probe.get("httpGet") or probe.get("tcpSocket") if kind.endswith("Probe") else None
            )
            assert check is None or check["port"] in ports
    for monitor in of_kind(overlay, "PodMonitor"):
        names = {each["port"] for each in monitor["spec"]["podMetricsEndpoints"]}
        assert names == {"http", "metrics"}
        assert {each["path"] for each in monitor["spec"]["podMetricsEndpoints"]} <= paths["web"]


@each_overlay
def test_processes_have_time_to_stop(overlay: str) -> None:
    for name in ("web", "worker"):
        pod = pods(overlay)[name]
        before = container_of(pod).get("lifecycle", {}).get("preStop", {}).get("sleep", {})
        seconds = before.get("seconds", 0)
        assert (seconds >= 5) == (name == "web")  # until the proxies know
        assert pod["spec"]["terminationGracePeriodSeconds"] >= seconds + STOP_SECONDS + 5


@each_overlay
def test_releases_never_take_a_pod_before_its_successor_is_ready(overlay: str) -> None:
    for name in PROCESSES:
        strategy = named(overlay, "Deployment", name)["spec"]["strategy"]["rollingUpdate"]
        assert strategy == {"maxSurge": 1, "maxUnavailable": 0}


@each_overlay
def test_the_database_has_enough_connections(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, **environment(overlay, pods(overlay)["web"]))
    assert settings.web_workers is not None
    most = {
        name_of(each): each["spec"]["maxReplicas"] + 1
        for each in of_kind(overlay, "HorizontalPodAutoscaler")
    }
    live = named(overlay, "Deployment", "live")["spec"]["replicas"] + 1
    needed = (
        most["web"] * settings.web_workers * (settings.database_pool_size + HEALTH_CONNECTIONS)
        + most["worker"] * WORKER_CONNECTIONS
        + live * LIVE_CONNECTIONS
        + SPARE_CONNECTIONS
    )
    parameters = named(overlay, "Cluster", "postgres")["spec"]["postgresql"]["parameters"]
    assert needed <= int(parameters["max_connections"])


def test_the_database_is_made_as_that_of_compose() -> None:
    script = (PROJECT_ROOT / "docker" / "postgres-init.sh").read_text()
    for overlay in OVERLAYS:
        spec = named(overlay, "Cluster", "postgres")["spec"]
        initial = spec["bootstrap"]["initdb"]
        for statement in initial["postInitSQL"] + initial["postInitApplicationSQL"]:
            assert statement in script
        assert f"CREATE DATABASE {initial['database']} OWNER {initial['owner']}" in script
        parameters = spec["postgresql"]["parameters"]
        for name in ("client_connection_check_interval", "random_page_cost", "jit"):
            assert f"-c{name}={parameters[name]}" in SERVICES["postgres"]["command"]


@each_overlay
def test_users_of_redis_have_the_rules_of_the_application(overlay: str) -> None:
    lines = secrets(overlay)["redis"]["users.acl"].splitlines()
    rules = {words[1]: (words[2:3], words[3], tuple(words[4:])) for words in map(str.split, lines)}
    passwords = {
        name: re.search(r"//(\w+):(\w+)@", secrets(overlay)["payment-flow"][name])
        for name in ("REDIS_URL", "REDIS_CACHE_URL", "REDIS_LIMITS_URL")
    }
    for match in passwords.values():
        assert match is not None
        state, password, given = rules.pop(match[1])
        assert state == ["on"]
        assert password == f">{match[2]}"
        assert given == ACL[match[1]]
    admin = secrets(overlay)["redis"]["password"]
    assert rules == {"default": (["on"], f">{admin}", ("~*", "&*", "+@all"))}


def test_existing_secrets_are_kept(tmp_path: Path) -> None:
    script = [sys.executable, str(KUBERNETES / "create_secrets.py"), str(tmp_path / "secrets")]
    subprocess.run(script, check=True, capture_output=True)
    before = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    output = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    assert "is kept" in output
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == before
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()}
    assert modes == {0o600}


def test_the_worker_reaches_what_webhooks_may_reach() -> None:
    """And so do web processes, with https only."""
    for name in ("web", "worker"):
        egress = named("production", "NetworkPolicy", name)["spec"]["egress"]
        (public,) = [rule for rule in egress if "ipBlock" in rule["to"][0]]
        blocks = {
            each["ipBlock"]["cidr"]: {ip_network(text) for text in each["ipBlock"]["except"]}
            for each in public["to"]
        }
        assert blocks == {
            "0.0.0.0/0": set(addresses._RESERVED_V4),
            str(addresses._GLOBAL_V6): set(addresses._RESERVED_V6),
        }
        assert ("ports" in public) == (name == "web")


def test_kafka_allows_what_the_application_does(monkeypatch: pytest.MonkeyPatch) -> None:
    (user,) = of_kind("production", "KafkaUser")
    settings = load(monkeypatch, **environment("production", pods("production")["worker"]))
    assert settings.kafka_username == name_of(user)
    allowed: dict[str, set[str]] = {"topic": set(), "group": set()}
    for rule in user["spec"]["authorization"]["acls"]:
        if "Read" in rule["operations"]:
            allowed[rule["resource"]["type"]].add(rule["resource"]["name"])
    assert allowed == {"topic": set(INBOUND_TYPES), "group": {settings.kafka_group}}
    (kafka,) = of_kind("production", "Kafka")
    replicas = named("production", "KafkaNodePool", "nodes")["spec"]["replicas"]
    assert settings.kafka_replication == replicas
    (listener,) = kafka["spec"]["kafka"]["listeners"]
    assert settings.kafka_bootstrap_servers == (
        f"{name_of(kafka)}-kafka-bootstrap:{listener['port']}",
    )


def test_autoscalers_use_metrics_that_are_exported() -> None:
    adapter = yaml.safe_load(
        (KUBERNETES / "components" / "queue-metrics" / "prometheus-adapter.yaml").read_text()
    )["rules"]
    provided = {
        kind: {each["name"]["as"] for each in adapter[kind]} for kind in ("custom", "external")
    }
    used: dict[str, set[str]] = {"custom": set(), "external": set()}
    for scaler in of_kind("production", "HorizontalPodAutoscaler"):
        for metric in scaler["spec"]["metrics"]:
            if metric["type"] == "Pods":
                used["custom"].add(metric["pods"]["metric"]["name"])
            elif metric["type"] == "External":
                used["external"].add(metric["external"]["metric"]["name"])
    assert used == provided
    table = (PROJECT_ROOT / "docs" / "operations.md").read_text()
    exported = set(re.findall(r"^\| `(payment_flow_\w+)", table, re.M))
    for rule in (*adapter["custom"], *adapter["external"]):
        series = rule["seriesQuery"].partition("{")[0]
        assert series.removesuffix("_sum") in exported


def test_the_documentation_lists_the_secret_of_vault() -> None:
    text = (PROJECT_ROOT / "docs" / "kubernetes.md").read_text()
    assert [name for name in VAULT if f"`{name}`" not in text] == []
    used = _placeholders([each["spec"] for each in of_kind("production", "ExternalSecret")])
    assert used == set(VAULT)


def _placeholders(specs: list[Mapping[str, Any]]) -> set[str]:
    texts = [text for spec in specs for text in spec["target"]["template"]["data"].values()]
    return {name for text in texts for name in re.findall(r"{{ \.(\w+) }}", text)}
