"""Ids in Stripe's format: a prefix for the type of object, then random characters."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def new(prefix: str, *, length: int = 24) -> str:
    """A new id such as pi_3qL…"""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))
