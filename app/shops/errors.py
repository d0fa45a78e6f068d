"""Errors of shops."""

from app.common.errors import NotFound


class ShopNotFound(NotFound):
    code = "SHOP_NOT_FOUND"
    message = "Shop not found"
