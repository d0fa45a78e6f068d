"""What the servers of the lab are told."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from app.common.settings import PROJECT_ROOT
from deploy.lab import hosts, packages
from deploy.lab.services import (
    balancer,
    etcd,
    gateway,
    kafka,
    monitor,
    pooler,
    postgres,
    redis,
)
from tests.deploy import checkers

POOLER = (PROJECT_ROOT / "deploy" / "pgbouncer" / "pgbouncer.ini").read_text()


def needs(program: str) -> pytest.MarkDecorator:
    missing = packages.find(program) is None
    return pytest.mark.skipif(missing, reason=f"{program} is not installed")


def test_every_host_has_an_address_of_its_own_and_a_name_that_fits_an_interface() -> None:
    addresses = [hosts.address(host) for host in hosts.HOSTS]
    assert len({*addresses, hosts.OUTSIDE}) == len(hosts.HOSTS) + 1
    assert [hosts.host_of(each) for each in addresses] == list(hosts.HOSTS)
    assert [host for host in hosts.HOSTS if len(f"pf-{host}") > 15] == []


def test_a_commit_waits_for_a_replica_and_a_leader_that_ended_is_replaced() -> None:
    secrets = {"postgres": "secret", "replicator": "secret"}
    found = postgres.configuration("db1", Path("/lab/db1"), Path("/bin"), secrets)
    shared = found["bootstrap"]["dcs"]
    assert shared["synchronous_mode"]
    assert shared["synchronous_mode_strict"]
    assert shared["primary_start_timeout"] == 0
    # Patroni would change what does not satisfy this.
    assert shared["loop_wait"] + 2 * shared["retry_timeout"] <= shared["ttl"]


def test_every_member_of_a_cluster_knows_all_others() -> None:
    for members, text in (
        (hosts.ETCD, " ".join(etcd.arguments("etcd1", "/data"))),
        (hosts.KAFKA, kafka.configuration("kafka1", "/data")),
    ):
        assert [name for name in members if hosts.address(name) not in text] == []


def test_one_redis_is_the_primary_of_all_others() -> None:
    texts = {host: redis.configuration(host, "secret") for host in hosts.REDIS}
    primaries = [host for host, text in texts.items() if "replicaof" not in text]
    assert primaries == [hosts.REDIS[0]]
    assert f"monitor {redis.NAME} {hosts.address(primaries[0])}" in redis.sentinel("redis2", "s")


def test_the_pooler_has_the_containers_configuration_with_other_addresses() -> None:
    text = pooler.configuration(POOLER, "/lab/users")
    assert "host=postgres" not in text
    # Debian's PgBouncer does not know it.
    assert "max_prepared_statements" not in text
    writes, reads = re.findall(r"(?m)^payment_flow\w* = host=\S+ port=(\d+) ", text)
    assert (int(writes), int(reads)) == (hosts.WRITES_PORT, hosts.READS_PORT)
    assert text.count("lock_timeout") == 2


def test_a_pooler_that_cannot_be_configured_is_noticed() -> None:
    with pytest.raises(ValueError, match="host=postgres"):
        pooler.configuration(POOLER.replace("host=postgres", "host=other"), "/lab/users")


@needs("haproxy")
def test_haproxy_accepts_its_configuration(tmp_path: Path) -> None:
    path = tmp_path / "haproxy.cfg"
    path.write_text(balancer.configuration(tmp_path / "socket"))
    check = [packages.path_of("haproxy"), "-c", "-f", path]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


@needs("nginx")
@pytest.mark.parametrize("canary", [0, 5, 100])
def test_nginx_accepts_its_configuration(tmp_path: Path, canary: int) -> None:
    gateway.make_certificate(tmp_path)
    path = tmp_path / "nginx.conf"
    path.write_text(gateway.configuration(tmp_path, canary=canary))
    check = [packages.path_of("nginx"), "-t", "-p", tmp_path, "-e", tmp_path / "log", "-c", path]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    # It also tries to listen, which it cannot outside the lab.
    assert "syntax is ok" in done.stderr, done.stderr


@checkers.needs("promtool")
def test_prometheus_has_the_rules_and_jobs_of_the_containers(tmp_path: Path) -> None:
    token, web, path = (tmp_path / name for name in ("token", "web.json", "prometheus.json"))
    token.write_text("secret")
    web.write_text(json.dumps([{"targets": ["10.0.0.1:3000"]}]))
    text = (PROJECT_ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text()
    found = monitor.configuration(text, token=token, web=web)
    path.write_text(json.dumps(found))
    checkers.check("promtool", "check", "config", path)

    assert found["rule_files"] == [f"{PROJECT_ROOT}/deploy/prometheus/rules/*.yml"]
    jobs = {job["job_name"]: job for job in found["scrape_configs"]}
    assert {name for name, job in jobs.items() if "authorization" in job} == {
        "web", "worker", "live",
    }  # fmt: skip
    targets = [
        target
        for job in jobs.values()
        for group in job["static_configs"]
        for target in group["targets"]
    ]
    assert {hosts.host_of(target.partition(":")[0]) for target in targets} == {
        *hosts.DATABASES, *hosts.ETCD, "worker", "live", "balancer", "monitor",
    }  # fmt: skip
    assert jobs["web"]["file_sd_configs"] == [{"files": [str(web)]}]


def test_patroni_is_installed_apart_from_the_product() -> None:
    names = {
        line.split("==")[0]
        for line in (PROJECT_ROOT / "requirements-dev.lock").read_text().splitlines()
        if "==" in line
    }
    assert "patroni" not in names
