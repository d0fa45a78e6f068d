"""The first process of a host, like `init`: runs a command, and reaps orphaned processes as soon as
they end.

    python deploy/lab/init.py COMMAND [ARGUMENT]...

Patroni waits until PostgreSQL, which is an orphan, is gone. The first process of a machine that is
a container may reap it seconds later.
"""

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_CHILD_SUBREAPER: Final = 36


def main(command: list[str]) -> int:
    """The exit code of the command."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = os.posix_spawn(command[0], command, os.environ)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: os.kill(child, number))
    while True:
        ended, status = os.wait()
        if ended == child:
            return abs(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
