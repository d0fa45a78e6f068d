"""`python -m sandbox.stripe`: serve the gateway until SIGTERM or SIGINT."""

import sys

from sandbox.common.server import run
from sandbox.stripe.config import Config
from sandbox.stripe.server import Server

if __name__ == "__main__":
    sys.exit(run("The gateway", lambda: Server(Config.load())))
