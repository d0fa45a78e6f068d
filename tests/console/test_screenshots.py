"""The command that writes pictures of all views."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from app.common.settings import Settings
from tests import servers
from tests.console import screenshots
from tests.live import LiveServer


@pytest.fixture
def server(settings: Settings, worker_number: int) -> Iterator[LiveServer]:
    with (
        servers.database(f"payment_flow_pictures_{worker_number}") as made,
        LiveServer.start(settings, made, workers=1) as started,
    ):
        loaded = started.cli("demo")
        assert loaded.returncode == 0, loaded.stderr
        yield started


def test_every_view_with_a_parameter_has_an_example() -> None:
    found = {view.at for view in screenshots.views() if ":" in view.at}
    assert found == screenshots.EXAMPLES.keys()


@pytest.mark.stress
def test_pictures_of_every_view(server: LiveServer, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        screenshots.main, ["--url", server.url, "--into", str(tmp_path)], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    missing = result.output.count("the demo data has no example")
    pictures = list(tmp_path.glob("*.png"))
    expected = len(screenshots.views()) * len(screenshots.WIDTHS) * len(screenshots.APPEARANCES)
    assert len(pictures) == expected - missing * len(screenshots.WIDTHS)
    for path in pictures:
        width = int(path.stem.split("-")[-2])
        with Image.open(path) as picture:
            assert picture.width == width, path.name
