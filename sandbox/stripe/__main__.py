"""`python -m sandbox.stripe`: serve the gateway until SIGTERM or SIGINT."""

import sys

from sandbox.common.config import load_env
from sandbox.common.server import run
from sandbox.stripe.app import create_app
from sandbox.stripe.config import Config

if __name__ == "__main__":
    sys.exit(run("The gateway", lambda: create_app(Config.from_env(load_env()))))
