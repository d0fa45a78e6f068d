"""The gateway as a Flask application."""

from flask import Flask

from sandbox.common.simulator import open_store
from sandbox.stripe import api, behaviour, pages
from sandbox.stripe.config import Config
from sandbox.stripe.gateway import Gateway
from sandbox.stripe.store import SCHEMA
from sandbox.stripe.worker import GatewayWorker


def create_app(config: Config) -> Flask:
    store = open_store(config, "gateway.sqlite3", schema=SCHEMA)
    with store.write_transaction() as connection:
        behaviour.create_default(connection)
    gateway = Gateway(config, store, GatewayWorker(config, store))
    return gateway.create_app(__name__, api.blueprint, pages.blueprint)
