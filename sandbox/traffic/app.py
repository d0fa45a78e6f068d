"""The traffic simulator as a Flask application."""

from flask import Flask

from sandbox.common.simulator import Simulator, open_store
from sandbox.traffic import control
from sandbox.traffic.api import Api
from sandbox.traffic.config import Config
from sandbox.traffic.store import SCHEMA, Accounts
from sandbox.traffic.traffic import Traffic


def create_app(config: Config) -> Flask:
    store = open_store(config, "traffic.sqlite3", schema=SCHEMA)
    accounts = Accounts(store, config.api_url)
    traffic = Traffic(Api(config.api_url), accounts, currency=config.currency)
    return Simulator(config, store, traffic).create_app(__name__, control.blueprint)
