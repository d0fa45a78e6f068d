"""Ids as Stripe makes them: what it is, and then at random."""

import secrets
import string

_LETTERS = string.ascii_letters + string.digits


def new(prefix: str, *, length: int = 24) -> str:
    """Such as pi_3qL…"""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(length))
