"""The mail catcher as a Flask application."""

from flask import Flask

from sandbox.common.simulator import Simulator, open_store
from sandbox.mail import pages
from sandbox.mail.config import Config
from sandbox.mail.receiver import Receiver
from sandbox.mail.store import SCHEMA


def create_app(config: Config) -> Flask:
    store = open_store(config, "mail.sqlite3", schema=SCHEMA)
    catcher = Simulator(config, store, Receiver(config, store))
    return catcher.create_app(__name__, pages.blueprint)
