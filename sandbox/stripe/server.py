"""Serves the gateway."""

from sandbox.common import server
from sandbox.stripe.app import create_app
from sandbox.stripe.config import Config
from sandbox.stripe.gateway import Gateway


class Server(server.Server):
    """A gateway that listens; port 0 of the configuration takes any free one."""

    def __init__(self, config: Config) -> None:
        app = create_app(config)
        self.gateway: Gateway = app.extensions["gateway"]
        super().__init__(
            app,
            self.gateway.office,
            host=config.host,
            port=config.port,
            close=self.gateway.store.close,
        )
