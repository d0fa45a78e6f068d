"""`python -m sandbox.stripe` as a process."""

from pathlib import Path

import pytest

from tests.ports import unused_port
from tests.simulators import process
from tests.stripe import SECRET_KEY, variables


def test_the_process_prints_its_address_and_stops_cleanly(tmp_path: Path) -> None:
    port = str(unused_port())
    with process(
        "stripe", **variables("http://127.0.0.1:9/", tmp_path, GATEWAY_PORT=port)
    ) as gateway:
        assert gateway.stdout is not None
        line = gateway.stdout.readline()
        gateway.terminate()
        rest = gateway.communicate(timeout=20)
    assert line == f"The gateway is listening at http://127.0.0.1:{port}\n"
    assert (gateway.returncode, rest) == (0, ("", ""))


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "GATEWAY_WEBHOOK_URL and STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRETS must be set"),
        ({**variables("http://x", Path("y")), "GATEWAY_PORT": "x"}, "'x'"),
        ({**variables("http://x", Path("y")), "GATEWAY_SLOW_SECONDS": "long"}, "'long'"),
    ],
)
def test_an_invalid_configuration_is_reported_in_one_sentence(
    tmp_path: Path, environment: dict[str, str], message: str
) -> None:
    with process("stripe", **environment | {"DATA_DIR": str(tmp_path)}) as gateway:
        _, error = gateway.communicate(timeout=20)
    assert gateway.returncode == 1
    assert message in error
    assert len(error.splitlines()) == 1
    assert SECRET_KEY not in error
