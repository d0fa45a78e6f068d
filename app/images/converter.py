"""Converts images in a child process.

An image of a stranger is hostile input for decoders written in C, and decoding a large one takes as
long as many purchases. So a child process with little memory and time converts one image at a time,
at low priority; if it crashes, the upload is refused and nothing else happens.
"""

import json
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any, Final

import structlog

from app.common import deadline
from app.common.errors import Unavailable
from app.common.settings import PROJECT_ROOT
from app.images.errors import ImageInvalid
from app.images.limits import Problem

#: Seconds until the child process is killed, and that others wait for it.
TIMEOUT: Final = 30

#: The child process.
COMMAND: Final = (sys.executable, "-m", "app.images.convert")

_one_at_a_time: Final = threading.Lock()

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ConvertedSize:
    """An image in one size, as WebP. side: of limits.SIDES."""

    side: int
    width: int
    height: int
    content: bytes


def convert(data: bytes) -> list[ConvertedSize]:
    """The sizes of an image. data: a file of an accepted type.

    Raises ImageInvalid, and Unavailable if it takes too long or memory is short.
    """
    if not _one_at_a_time.acquire(timeout=TIMEOUT):
        raise Unavailable(retry_after=10)
    try:
        done = subprocess.run(  # noqa: S603 – nothing of the command comes from outside
            COMMAND,
            input=data,
            stdout=subprocess.PIPE,
            cwd=PROJECT_ROOT,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(retry_after=10) from error
    finally:
        _one_at_a_time.release()
        deadline.extend()  # what follows has its own time
    if done.returncode == -signal.SIGKILL:  # there was too little memory
        raise Unavailable(retry_after=10)
    if done.returncode != 0:
        # It may also be our bug, such as a missing library.
        _log.warning("image conversion failed", returncode=done.returncode, size=len(data))
        raise ImageInvalid
    head, _, contents = done.stdout.partition(b"\n")
    return _parse(json.loads(head), contents)


def _parse(head: dict[str, Any], contents: bytes) -> list[ConvertedSize]:
    if "problem" in head:
        raise ImageInvalid(Problem(head["problem"]))
    sizes = []
    for side, width, height, length in head["sizes"]:
        sizes.append(ConvertedSize(side, width, height, contents[:length]))
        contents = contents[length:]
    return sizes
