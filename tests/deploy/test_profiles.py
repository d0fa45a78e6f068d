"""The profiles `observability`, `ha`, `kafka` and `backup` of docker-compose.yml, and the files
that their services read."""

import re
from typing import Any

import pytest
import yaml

from app.common import connections
from app.common.settings import PROJECT_ROOT
from tests.compose import COMPOSE, SERVICES
from tests.deploy.checkers import check, needs
from tests.deploy.rules import ALERTS

DEPLOY = PROJECT_ROOT / "deploy"


def of_profile(name: str) -> set[str]:
    return {service for service, one in SERVICES.items() if name in one.get("profiles", [])}


NEW = sorted(of_profile("observability") | of_profile("ha") | of_profile("backup"))


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def test_each_profile_has_its_services() -> None:
    assert of_profile("observability") == {
        *("prometheus", "alertmanager", "grafana", "blackbox", "postgres-exporter"),
        *("redis-exporter", "collector", "jaeger", "loki", "alloy", "docker-logs"),
    }
    assert of_profile("ha") == {"web-2", "haproxy", "pgbouncer"}
    assert of_profile("kafka") == {"kafka", "kafka-ui"}
    assert of_profile("backup") == {"backup"}


def test_services_without_a_profile_need_none_that_has_one() -> None:
    for name, service in SERVICES.items():
        for other in service.get("depends_on", {}):
            profiles = SERVICES[other].get("profiles")
            assert profiles is None or profiles == service.get("profiles"), name


@pytest.mark.parametrize("name", NEW)
def test_it_has_no_privileges(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", NEW)
def test_it_is_published_on_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.match(r"(\$\{HA_PUBLISH:-)?127\.0\.0\.1:\d+", port)


def test_ports_differ() -> None:
    published = [
        re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", port).split(":")[1]
        for service in SERVICES.values()
        for port in service.get("ports", [])
    ]
    assert len(set(published)) == len(published)


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_exists(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, target = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume).split(":")[:2]
        if source.startswith("."):
            assert (PROJECT_ROOT / source).exists()
            assert volume.endswith(":ro")
        elif not source.startswith("/"):
            assert source in COMPOSE["volumes"]
        assert target.startswith("/")


def test_every_file_of_deploy_is_mounted() -> None:
    mounted = {
        (PROJECT_ROOT / volume.split(":")[0]).resolve()
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./deploy/")
    }
    folders = {path.relative_to(DEPLOY).parts[0] for path in mounted}
    files = [
        path for name in folders for path in (DEPLOY / name).rglob("*") if path.is_file()
    ]  # fmt: skip
    assert files
    assert [path for path in files if not mounted & {path, *path.parents}] == []


def test_only_one_service_has_the_socket_of_docker_and_only_one_reaches_it() -> None:
    with_socket = {
        name for name, one in SERVICES.items() if "docker.sock" in str(one.get("volumes"))
    }
    assert with_socket == {"docker-logs"}
    assert SERVICES["docker-logs"]["networks"] == ["docker-logs"]
    in_network = {
        name for name, one in SERVICES.items() if "docker-logs" in one.get("networks", [])
    }
    assert in_network == {"docker-logs", "alloy"}
    assert COMPOSE["networks"]["docker-logs"] == {"internal": True}


@pytest.mark.parametrize(
    ("method", "path", "is_allowed"),
    [
        ("GET", "/v1.44/containers/json", True),
        ("GET", "/v1.44/containers/0a1b2c/logs", True),
        ("HEAD", "/_ping", True),
        ("POST", "/v1.44/containers/0a1b2c/logs", False),
        ("POST", "/v1.44/containers/create", False),
        ("GET", "/v1.44/containers/0a1b2c/archive", False),
        ("GET", "/v1.44/secrets", False),
        ("GET", "/v1.44/containers/json/../../secrets", False),
    ],
)
def test_the_proxy_of_the_socket_allows_reading_logs_only(
    method: str, path: str, is_allowed: bool
) -> None:
    config = (DEPLOY / "haproxy" / "docker-logs.cfg").read_text()
    (methods,) = re.findall(r"acl reads method (.+)", config)
    (pattern,) = re.findall(r"acl logs path_reg (.+)", config)
    assert "deny_status 403 unless reads logs" in config
    assert (method in methods.split() and bool(re.search(pattern, path))) is is_allowed


def test_the_pooler_sets_what_the_application_asks_for() -> None:
    """It does not pass on `options`."""
    config = (DEPLOY / "pgbouncer" / "pgbouncer.ini").read_text()
    (query,) = re.findall(r"connect_query='(.+)'\n", config)
    found = dict(re.findall(r"SET (\w+) = '*([\w]+)'*", query))
    assert found == dict(re.findall(r"-c (\w+)=(\S+)", connections._OPTIONS))
    assert "ignore_startup_parameters = options\n" in config
    assert "pool_mode = transaction\n" in config


def test_notifications_do_not_go_through_the_pooler() -> None:
    environment = SERVICES["web"]["environment"]
    assert "${DATABASE_HOST:-postgres:5432}" in environment["DATABASE_URL"]
    assert "@postgres:5432/" in environment["DIRECT_DATABASE_URL"]
    assert "@postgres:5432/" in SERVICES["migrate"]["environment"]["MIGRATION_DATABASE_URL"]


def test_the_second_web_server_is_as_the_first() -> None:
    first, second = SERVICES["web"], SERVICES["web-2"]
    assert {**second, "profiles": None, "ports": None} == {**first, "profiles": None, "ports": None}
    config = (DEPLOY / "haproxy" / "haproxy.cfg").read_text()
    assert re.findall(r"^    server \S+ (\S+)$", config, re.M) == ["web:3000", "web-2:3000"]
    assert "httpchk GET /health/ready" in config


def test_only_the_service_of_backups_may_copy_everything_and_reads_the_backups() -> None:
    for name, service in SERVICES.items():
        may = {key for key in service.get("environment", {}) if key.startswith("BACKUP_")}
        assert bool(may) == (name == "backup")
    script = (PROJECT_ROOT / "docker" / "postgres-init.sh").read_text()
    environment = SERVICES["backup"]["environment"]
    (role,) = re.findall(r"//(\w+):.*@postgres:5432/postgres$", environment["BACKUP_DATABASE_URL"])
    assert f"CREATE ROLE {role} LOGIN REPLICATION" in script
    assert f"host replication {role} all scram-sha-256" in script
    command = SERVICES["postgres"]["command"]
    assert {"-csummarize_wal=on", "-cmax_slot_wal_keep_size=20GB"} < set(command)
    folders = dict(volume.rsplit(":", 1) for volume in SERVICES["backup"]["volumes"])
    assert environment["BACKUP_DIR"] == folders["${BACKUP_FOLDER:-backup-data}"]
    assert environment["DATA_DIR"] == folders["backup-spool"]


def test_traces_lead_from_the_application_to_jaeger() -> None:
    config = read("collector/collector.yml")
    pipeline = config["service"]["pipelines"]["traces"]
    assert set(pipeline["receivers"]) == config["receivers"].keys()
    assert set(pipeline["processors"]) == config["processors"].keys()
    assert set(pipeline["exporters"]) == config["exporters"].keys()
    assert config["exporters"]["otlp_http/jaeger"]["endpoint"] == "http://jaeger:4318"
    assert pipeline["processors"][0] == "memory_limiter"
    endpoint = config["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    page = (PROJECT_ROOT / "docs" / "observability.md").read_text()
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:{endpoint.partition(':')[2]}" in page


def test_logs_lead_from_the_containers_to_loki() -> None:
    config = (DEPLOY / "alloy" / "config.alloy").read_text()
    assert config.count("tcp://docker-logs:2375") == 2
    assert f"http://loki:{read('loki/loki.yml')['server']['http_listen_port']}/" in config
    assert config.count("{") == config.count("}")
    for name in re.findall(r"(?:targets|forward_to) += \[?([\w.]+)", config):
        *kind, label, _ = name.split(".")
        assert f'{".".join(kind)} "{label}" {{' in config, name


def test_alerts_that_silence_others_exist() -> None:
    config = read("alertmanager/alertmanager.yml")
    receivers = {one["name"] for one in config["receivers"]}
    routes = [config["route"], *config["route"]["routes"]]
    assert {route["receiver"] for route in routes} == receivers
    for rule in config["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            label, pattern = re.fullmatch(r'(\w+)=~?"(.+)"', matcher).groups()  # type: ignore[union-attr]
            if label == "alertname":
                assert any(re.fullmatch(pattern, name) for name in ALERTS)


@needs("amtool")
def test_alertmanager_accepts_its_configuration() -> None:
    check("amtool", "check-config", DEPLOY / "alertmanager" / "alertmanager.yml")


@needs("prometheus-blackbox-exporter")
def test_the_probe_accepts_its_configuration() -> None:
    file = DEPLOY / "blackbox" / "blackbox.yml"
    check("prometheus-blackbox-exporter", f"--config.file={file}", "--config.check")


@needs("haproxy")
@pytest.mark.parametrize("name", ["haproxy.cfg", "docker-logs.cfg"])
def test_haproxy_accepts_its_configuration(name: str) -> None:
    check("haproxy", "-c", "-f", DEPLOY / "haproxy" / name)


def test_probes_use_modules_that_exist() -> None:
    modules = read("blackbox/blackbox.yml")["modules"]
    for job in read("prometheus/prometheus.yml")["scrape_configs"]:
        assert set(job.get("params", {}).get("module", [])) <= modules.keys()


def test_profiles_are_documented() -> None:
    page = (PROJECT_ROOT / "docs" / "operations.md").read_text()
    for profile in ("observability", "ha", "kafka", "backup"):
        assert f"--profile {profile} up" in page


def test_passwords_of_instruments_have_no_default() -> None:
    for name in ("prometheus", "grafana"):
        assert "is not set" in SERVICES[name]["entrypoint"][2]
