"""Serves the bank."""

from sandbox.bank.app import create_app
from sandbox.bank.bank import Bank
from sandbox.bank.config import Config
from sandbox.common import server


class Server(server.Server):
    """A bank that listens; port 0 of the configuration takes any free one."""

    def __init__(self, config: Config) -> None:
        app = create_app(config)
        self.bank: Bank = app.extensions["bank"]
        super().__init__(
            app,
            self.bank.office,
            host=config.host,
            port=config.port,
            close=self.bank.store.close,
        )
