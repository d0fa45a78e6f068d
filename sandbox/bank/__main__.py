"""`python -m sandbox.bank`: serve the bank until SIGTERM or SIGINT."""

import sys

from sandbox.bank.app import create_app
from sandbox.bank.config import Config
from sandbox.common.config import load_env
from sandbox.common.server import run

if __name__ == "__main__":
    sys.exit(run("The bank", lambda: create_app(Config.from_env(load_env()))))
