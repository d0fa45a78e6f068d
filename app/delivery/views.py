"""The endpoints of all delivery kinds."""

from typing import Final

from app import delivery
from app.common.discovery import import_modules
from app.common.http import Blueprint

#: The blueprints of every `views.py` below this folder.
BLUEPRINTS: Final = tuple(
    each
    for module in import_modules(delivery, "views")
    for each in vars(module).values()
    if isinstance(each, Blueprint)
)
