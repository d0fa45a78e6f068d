"""The first process of a host of the lab."""

import subprocess
import sys

import pytest

from deploy.lab import init

#: Exits with 7 if a process whose parent has ended is collected soon after its own end.
COMMAND = """
import os, sys, time
read, write = os.pipe()
child = os.fork()
if child == 0:
    orphan = os.fork()
    if orphan == 0:
        time.sleep(0.1)
    else:
        os.write(write, str(orphan).encode())
    os._exit(0)
os.waitpid(child, 0)
orphan = os.read(read, 20).decode()
for _ in range(60):
    time.sleep(0.01)
    if not os.path.exists(f"/proc/{orphan}"):
        sys.exit(7)
"""


@pytest.mark.linux
def test_it_collects_orphans_at_once_and_ends_as_its_command() -> None:
    command = [sys.executable, init.__file__, sys.executable, "-c", COMMAND]
    assert subprocess.run(command, check=False, timeout=30).returncode == 7
