"""`python -m sandbox.traffic`: wait to be told to make traffic, until SIGTERM or SIGINT.

With `simulate`, make traffic for a time and report it (`./flow simulate`).
"""

import sys

from sandbox.common.config import load_env
from sandbox.common.server import run
from sandbox.traffic.app import create_app
from sandbox.traffic.config import Config
from sandbox.traffic.simulate import main

if __name__ == "__main__":
    if sys.argv[1:2] == ["simulate"]:
        sys.exit(main(sys.argv[2:]))
    sys.exit(run("The traffic", lambda: create_app(Config.require_allowed(load_env()))))
