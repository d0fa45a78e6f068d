"""Prometheus, with the rules and the scrape configuration of the containers: deploy/prometheus."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # publishes no types

from app.common.settings import PROJECT_ROOT
from deploy.lab.hosts import (
    DATABASES,
    ETCD,
    ETCD_PORT,
    LIVE_METRICS_PORT,
    MONITOR_PORT,
    PATRONI_PORT,
    STATUS_PORT,
    WEB,
    WEB_PORT,
    WORKER_METRICS_PORT,
    endpoint,
)
from deploy.lab.machine import Machine
from deploy.lab.packages import path_of

NAME: Final = "monitor/prometheus"
ADDRESS: Final = f"http://{endpoint('monitor', MONITOR_PORT)}"
#: Seconds between two scrapes. The web server takes up to one for an answer while PostgreSQL is
#: away.
INTERVAL: Final = 2
#: The web servers that are scraped.
_WEB: Final = "monitor/web.json"
_FOLDER: Final = PROJECT_ROOT / "deploy" / "prometheus"
#: By the job of the containers, what there is of it in the lab. Web servers come and go: they are
#: in a file.
_TARGETS: Final = {
    "web": (),
    "worker": (endpoint("worker", WORKER_METRICS_PORT),),
    "live": (endpoint("live", LIVE_METRICS_PORT),),
    "haproxy": (endpoint("balancer", STATUS_PORT),),
    "prometheus": (endpoint("monitor", MONITOR_PORT),),
}
#: What only the lab has.
_OWN: Final = {
    "patroni": [endpoint(host, PATRONI_PORT) for host in DATABASES],
    "etcd": [endpoint(host, ETCD_PORT) for host in ETCD],
}


def start(machine: Machine) -> None:
    token = machine.write("monitor/token", machine.secret("metrics"))
    set_web_servers(machine, WEB)
    text = (_FOLDER / "prometheus.yml").read_text()
    found = configuration(text, token=token, web=machine.folder / _WEB)
    config = machine.write("monitor/prometheus.json", json.dumps(found))
    listen = f"--web.listen-address={endpoint('monitor', MONITOR_PORT)}"
    data = f"--storage.tsdb.path={machine.folder / 'monitor' / 'data'}"
    machine.start(
        NAME, [path_of("prometheus"), f"--config.file={config}", data, listen, "--log.level=warn"]
    )


def set_web_servers(machine: Machine, hosts: Iterable[str]) -> None:
    """Scrape these from now on."""
    targets = [endpoint(host, WEB_PORT) for host in hosts]
    machine.write(_WEB, json.dumps([{"targets": targets}]))


def configuration(text: str, *, token: Path, web: Path) -> dict[str, Any]:
    """Prometheus' configuration; JSON is YAML, too.

    text: that of the containers; token, web: files with the metrics token and the web servers.
    """
    found: dict[str, Any] = yaml.safe_load(text)
    found["global"] = {"scrape_interval": f"{INTERVAL}s", "evaluation_interval": f"{INTERVAL}s"}
    found["rule_files"] = [str(_FOLDER / pattern) for pattern in found["rule_files"]]
    del found["alerting"]
    jobs = {job["job_name"]: job for job in found["scrape_configs"]}
    found["scrape_configs"] = [
        _at(jobs[name], targets, token) for name, targets in _TARGETS.items()
    ] + [
        {"job_name": name, "static_configs": [{"targets": targets}]}
        for name, targets in _OWN.items()
    ]
    found["scrape_configs"][0]["file_sd_configs"] = [{"files": [str(web)]}]
    return found


def _at(job: dict[str, Any], targets: Iterable[str], token: Path) -> dict[str, Any]:
    """The job with other targets."""
    kept = {name: value for name, value in job.items() if not name.endswith("_sd_configs")}
    if "authorization" in job:
        kept["authorization"] = {"credentials_file": str(token)}
    return kept | {"static_configs": [{"targets": list(targets)}]}
