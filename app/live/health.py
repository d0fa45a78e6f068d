"""Whether the live process can serve: the same checks as those of the web processes."""

from collections.abc import Mapping

from app.health import service as health


def check_all() -> Mapping[str, str]:
    """The status of the database and of Redis."""
    checks = health.check_all()
    return {name: checks[name] for name in ("database", "redis")}


def is_serving(checks: Mapping[str, str]) -> bool:
    """Redis is optional."""
    return checks["database"] == "ok"
