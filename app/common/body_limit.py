"""The size up to which a request body is received before its request is executed."""

from typing import Final

#: Endpoints that accept larger bodies say so, and read them while they run.
MAX_BODY_BYTES: Final = 64 * 1024
