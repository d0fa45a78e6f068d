"""PostgreSQL and Redis as child processes, for a machine that has neither.

Each server has its own folder in the data folder, listens on a free loopback port, requires a
random password, and stops when the process that started it ends for any reason. For Linux and
macOS.
"""

import os
from hashlib import sha256
from pathlib import Path

from app.local.embedded.postgres import PostgresServer
from app.local.embedded.redis import RedisServer
from app.local.embedded.server import EmbeddedError

__all__ = ["EmbeddedError", "PostgresServer", "RedisServer", "default_data_dir"]


def default_data_dir(project_root: Path) -> Path:
    """The data folder if DATA_DIR is not set.

    In the project for a normal user. Outside of it for root: the servers then run as an
    unprivileged user, who may not have access to the project (for example below `/root`).
    """
    if os.geteuid() != 0:
        return project_root / ".data"
    checkout = sha256(str(project_root.resolve()).encode()).hexdigest()[:8]
    return Path("/var/lib/payment-flow") / checkout
