"""The bank as a Flask application."""

from flask import Flask

from sandbox.bank import api, pages
from sandbox.bank.bank import Bank
from sandbox.bank.config import Config
from sandbox.bank.store import SCHEMA
from sandbox.bank.worker import BankWorker
from sandbox.common.simulator import open_store


def create_app(config: Config) -> Flask:
    store = open_store(config, "bank.sqlite3", schema=SCHEMA)
    bank = Bank(config, store, BankWorker(config, store))
    return bank.create_app(__name__, api.blueprint, pages.blueprint)
