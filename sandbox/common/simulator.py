"""A simulator: its configuration, store and worker, and the Flask application that serves it."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import Blueprint, Flask, current_app

from sandbox.common import web
from sandbox.common.background import Background
from sandbox.common.config import SimulatorConfig
from sandbox.common.store import Store

C = TypeVar("C", bound=SimulatorConfig)


@dataclass(frozen=True)
class Simulator(Generic[C]):
    config: C
    store: Store
    worker: Background

    def create_app(self, import_name: str, *blueprints: Blueprint) -> Flask:
        """The application with these blueprints. The worker runs once it is started."""
        app = Flask(import_name, static_folder=None)
        app.extensions["simulator"] = self
        web.init_app(app)
        for blueprint in blueprints:
            app.register_blueprint(blueprint)
        return app


def current_simulator() -> Any:
    """The simulator of the application that handles the request."""
    return current_app.extensions["simulator"]


def open_store(config: SimulatorConfig, file_name: str, *, schema: str) -> Store:
    """The store in the data folder, which is created if it is missing."""
    config.data_dir.mkdir(parents=True, exist_ok=True)
    return Store(config.data_dir / file_name, schema=schema)
