"""Real PostgreSQL and Redis as child processes, for a machine that has neither.

Each server lives in a folder of its own inside the data folder, listens on a free loopback port,
wants a random password and stops when its owner dies, however the owner dies. Linux and macOS.
"""

import os
from hashlib import sha256
from pathlib import Path

from app.local.embedded.postgres import PostgresServer
from app.local.embedded.redis import RedisServer
from app.local.embedded.server import EmbeddedError

__all__ = ["EmbeddedError", "PostgresServer", "RedisServer", "default_data_dir"]


def default_data_dir(project_root: Path) -> Path:
    """Where data lives unless DATA_DIR says otherwise.

    Beside the code for a normal user. For root outside of it: the servers then run as an
    unprivileged user, who may not be able to enter the project (below `/root` for one).
    """
    if os.geteuid() != 0:
        return project_root / ".data"
    checkout = sha256(str(project_root.resolve()).encode()).hexdigest()[:8]
    return Path("/var/lib/payment-flow") / checkout
