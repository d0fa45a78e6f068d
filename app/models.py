"""Every table of the application, for Alembic and tests."""

from importlib import import_module
from pkgutil import walk_packages

import app
from app.common.db import Base

__all__ = ["Base"]

for _module in walk_packages(app.__path__, "app."):
    if _module.name.endswith(".models") and _module.name != __name__:
        import_module(_module.name)
