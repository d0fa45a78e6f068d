"""docker-compose.yml: what each service may use, and how others see that it works."""

import re
from typing import Any

import pytest

from app.cli import main
from app.common.settings import PROJECT_ROOT
from tests.compose import SERVICES

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


def value_of(text: object) -> str:
    """A value, or the default of its variable."""
    return re.sub(r"\$\{\w+:-(.*)\}", r"\1", str(text))


@each_service
def test_memory_cores_and_processes_are_limited(service: dict[str, Any]) -> None:
    assert re.fullmatch(r"[1-9]\d*[mg]", value_of(service["mem_limit"]))
    assert 0 < float(value_of(service["cpus"])) <= 2
    assert 0 < service["pids_limit"] <= 1000


@each_service
def test_logs_are_limited(service: dict[str, Any]) -> None:
    """200 MB at most for each of them."""
    logging = service["logging"]
    assert logging["driver"] in ("local", "json-file")
    megabytes = int(logging["options"]["max-size"].removesuffix("m"))
    assert 0 < megabytes * int(logging["options"]["max-file"]) <= 200


#: Without a check: what ends, or has no program that could check it.
UNCHECKED = {"migrate", "pgadmin", "collector"}


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - UNCHECKED))
def test_what_keeps_running_has_a_health_check(name: str) -> None:
    """The image has that of web."""
    dockerfile = (PROJECT_ROOT / "Dockerfile").read_text()
    check = SERVICES[name].get("healthcheck")
    assert "test" in check if check else name in ("web", "web-2") and "HEALTHCHECK" in dockerfile


@each_service
def test_commands_of_the_application_exist(service: dict[str, Any]) -> None:
    words = service.get("command", []), service.get("healthcheck", {}).get("test", [])
    for line in words:
        if "app.cli" in line:
            assert line[line.index("app.cli") + 1] in main.commands
