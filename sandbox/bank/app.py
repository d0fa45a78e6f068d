"""The bank as a Flask application."""

from flask import Flask

from sandbox.bank import api, pages
from sandbox.bank.backoffice import BackOffice
from sandbox.bank.bank import Bank
from sandbox.bank.config import Config
from sandbox.bank.store import SCHEMA
from sandbox.common import web
from sandbox.common.store import Store


def create_app(config: Config) -> Flask:
    """The bank on its own database. Its back office works once it is told to start."""
    app = Flask(__name__)
    config.data_dir.mkdir(parents=True, exist_ok=True)
    store = Store(config.data_dir / "bank.sqlite3", schema=SCHEMA)
    app.extensions["bank"] = Bank(config, store, BackOffice(config, store))
    web.install(app)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(pages.blueprint)
    return app
