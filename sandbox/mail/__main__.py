"""`python -m sandbox.mail`: receive and show mails until SIGTERM or SIGINT."""

import sys

from sandbox.common.config import load_env
from sandbox.common.server import run
from sandbox.mail.app import create_app
from sandbox.mail.config import Config

if __name__ == "__main__":
    sys.exit(run("The mail catcher", lambda: create_app(Config.from_env(load_env()))))
