"""What docker-compose.yml declares, read once."""

from typing import Any, Final

import yaml

from app.common.settings import PROJECT_ROOT

COMPOSE: Final[dict[str, Any]] = yaml.safe_load((PROJECT_ROOT / "docker-compose.yml").read_text())
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
