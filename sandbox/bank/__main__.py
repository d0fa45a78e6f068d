"""`python -m sandbox.bank`: serve the bank until SIGTERM or SIGINT."""

import logging
import signal
import sys

from sandbox.bank.config import Config, ConfigError
from sandbox.bank.server import Server


def main() -> int:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        server = Server(Config.load())
    except (ConfigError, OSError) as error:
        sys.stderr.write(f"The bank cannot start: {error}\n")
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.end())
    sys.stdout.write(f"The bank is open at {server.address}\n")
    sys.stdout.flush()
    server.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
