"""`python -m sandbox.bank`: serve the bank until SIGTERM or SIGINT."""

import sys

from sandbox.bank.config import Config
from sandbox.bank.server import Server
from sandbox.common.server import run

if __name__ == "__main__":
    sys.exit(run("The bank", lambda: Server(Config.load())))
