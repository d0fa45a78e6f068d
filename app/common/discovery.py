"""Finding modules by the name of their file, so that a new one need not be registered."""

from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType


def import_modules(package: ModuleType, name: str) -> list[ModuleType]:
    """Import each module with this name in a package and in the packages below it."""
    return [
        import_module(module.name)
        for module in walk_packages(package.__path__, f"{package.__name__}.")
        if module.name.endswith(f".{name}")
    ]
