"""PostgreSQL and Redis as child processes, for a machine that has neither.

Each server has its own folder in the data folder, listens on a free loopback port, requires a
random password, and stops when the process that started it ends for any reason. For Linux and
macOS.
"""

from app.local.embedded.postgres import PostgresServer
from app.local.embedded.redis import RedisServer
from app.local.embedded.server import EmbeddedError

__all__ = ["EmbeddedError", "PostgresServer", "RedisServer"]
