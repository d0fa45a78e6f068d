"""The gateway as a Flask application."""

from flask import Flask

from sandbox.common import web
from sandbox.common.store import Store
from sandbox.stripe import api, behaviour, pages
from sandbox.stripe.config import Config
from sandbox.stripe.gateway import Gateway
from sandbox.stripe.office import BackOffice
from sandbox.stripe.store import SCHEMA


def create_app(config: Config) -> Flask:
    """The gateway on its own database. Its back office works once it is told to start."""
    app = Flask(__name__, static_folder=None)
    config.data_dir.mkdir(parents=True, exist_ok=True)
    store = Store(config.data_dir / "gateway.sqlite3", schema=SCHEMA)
    with store.writing() as connection:
        behaviour.begin(connection)
    app.extensions["gateway"] = Gateway(config, store, BackOffice(config, store))
    web.install(app)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(pages.blueprint)
    return app
