"""The application: two web servers, the worker with the relay, and the live process."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from app.common.settings import PROJECT_ROOT
from app.local.embedded import postgres
from deploy.lab.errors import LabError
from deploy.lab.hosts import (
    LIVE_METRICS_PORT,
    LIVE_PORT,
    POOLER_PORT,
    READS_PORT,
    REDIS,
    SENTINEL_PORT,
    WEB,
    WEB_PORT,
    WORKER_METRICS_PORT,
    WRITES_PORT,
    address,
    endpoint,
)
from deploy.lab.machine import Machine
from deploy.lab.services import gateway, kafka
from deploy.lab.services.postgres import url
from deploy.lab.services.redis import NAME

#: The commands of the hosts.
_COMMANDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(WEB, "serve"),
    "canary": "serve",
    "worker": "worker",
    "live": "live",
}
#: Direct deposits are allowed, which fill the buyers' wallets.
APP_ENV: Final = "development"


def start(machine: Machine, host: str, *, root: Path = PROJECT_ROOT) -> None:
    """root: the checkout whose version is started."""
    command = _COMMANDS[host]
    machine.start(
        f"{host}/{command}",
        [sys.executable, "-m", "app.cli", command],
        environment=environment(machine, host) | {"PYTHONPATH": str(root)},
    )


def name_of(host: str) -> str:
    """The name of the process on the host."""
    return f"{host}/{_COMMANDS[host]}"


def run(machine: Machine, *arguments: str, root: Path = PROJECT_ROOT) -> str:
    """The output of a command of the application, run outside the lab. Raises LabError.

    root: the checkout whose version runs.
    """
    at = endpoint("balancer", WRITES_PORT)
    owner = url(machine, postgres.OWNER, postgres.DATABASE, at)
    app = url(machine, postgres.APP, postgres.DATABASE, at)
    folder = machine.folder / "outside"
    folder.mkdir(mode=0o700, exist_ok=True)
    result = subprocess.run(  # noqa: S603 – arguments of our own
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=folder,
        env={
            **environment(machine, WEB[0]),
            "DATA_DIR": str(folder),
            "DATABASE_URL": app,
            "MIGRATION_DATABASE_URL": owner,
            "PYTHONPATH": str(root),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        lines = (result.stdout + result.stderr).strip().splitlines()
        raise LabError(f"`{' '.join(arguments)}` failed: {' / '.join(lines[-3:])}")
    return result.stdout


def environment(machine: Machine, host: str) -> dict[str, str]:
    """The settings of the application on a host."""
    app, database = postgres.APP, postgres.DATABASE
    sentinels = ",".join(endpoint(name, SENTINEL_PORT) for name in REDIS)
    password = machine.secret("redis")
    redis = {
        user: f"redis+sentinel://{user}:{password}@{sentinels}/{NAME}/0"
        for user in ("queue", "cache", "limits")
    }
    return {
        "APP_ENV": APP_ENV,
        "HOST": address(host),
        "PORT": str(WEB_PORT),
        "LIVE_PORT": str(LIVE_PORT),
        "DATA_DIR": str(machine.folder / host),
        "FILES_DIR": str(machine.folder / "files"),
        "PUBLIC_URL": gateway.ADDRESS,
        "READINESS_URL": f"http://{endpoint('balancer', WEB_PORT)}",
        "TRUSTED_PROXIES": "2",
        "DATABASE_URL": url(machine, app, database, endpoint("pooler", POOLER_PORT)),
        "DATABASE_PREPARE_THRESHOLD": "0",
        "DIRECT_DATABASE_URL": url(machine, app, database, endpoint("balancer", WRITES_PORT)),
        "REPLICA_DATABASE_URL": url(machine, app, database, endpoint("balancer", READS_PORT)),
        "REDIS_URL": redis["queue"],
        "REDIS_CACHE_URL": redis["cache"],
        "REDIS_LIMITS_URL": redis["limits"],
        "JWT_ACCESS_SECRET": machine.secret("access"),
        "JWT_REFRESH_SECRET": machine.secret("refresh"),
        "ENCRYPTION_KEYS": machine.secret("encryption"),
        "METRICS_TOKEN": machine.secret("metrics"),
        "METRICS_HOST": address(host),
        "WORKER_METRICS_PORT": str(WORKER_METRICS_PORT),
        "LIVE_METRICS_PORT": str(LIVE_METRICS_PORT),
        **({} if kafka.missing() else kafka.SETTINGS),
        "BANK_PROVIDERS": json.dumps([]),
        "STRIPE_SECRET_KEY": "off",
        "WEB_WORKERS": "1",
        "LIVE_EVENTS_PATH": "/events",
        # The buyers of the drills have no second factor, and buy all day.
        "TWO_FACTOR_ABOVE": "1000000000.00",
        "LOG_LEVEL": "warning",
    }
