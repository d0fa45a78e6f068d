"""Every table of the application, for Alembic and tests."""

import app
from app.common.db import Base
from app.common.discovery import import_modules

__all__ = ["Base"]

import_modules(app, "models")
