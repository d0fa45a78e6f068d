"""The endpoints of all delivery kinds."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from typing import Final

from app import delivery
from app.common.http import Blueprint


def _find_blueprints() -> Iterator[Blueprint]:
    for module in walk_packages(delivery.__path__, f"{delivery.__name__}."):
        if module.name.endswith(".views") and module.name != __name__:
            attributes = vars(import_module(module.name)).values()
            yield from (each for each in attributes if isinstance(each, Blueprint))


#: Of every `views.py` below this folder, so that a new kind need not be registered.
BLUEPRINTS: Final = tuple(_find_blueprints())
