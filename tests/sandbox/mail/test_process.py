"""`python -m sandbox.mail` as a process."""

import signal
from pathlib import Path

import pytest

from tests.ports import unused_port
from tests.simulators import process

# The simulators rarely change.
pytestmark = pytest.mark.stress


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_process_prints_its_address_and_stops_cleanly(
    tmp_path: Path, end: signal.Signals
) -> None:
    port = str(unused_port())
    given = {"MAIL_PORT": port, "MAIL_SMTP_PORT": str(unused_port()), "DATA_DIR": str(tmp_path)}
    with process("mail", **given) as mail:
        assert mail.stdout is not None
        assert (
            mail.stdout.readline() == f"The mail catcher is listening at http://127.0.0.1:{port}\n"
        )
        mail.send_signal(end)
        assert mail.wait(10) == 0
        assert mail.communicate() == ("", "")
