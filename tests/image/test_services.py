"""Which services of docker-compose.yml `./flow image` starts."""

import re

from app.common.settings import PROJECT_ROOT
from tests import compose
from tests.image.containers import SERVICES


def test_the_documentation_says_which_are_started_and_which_are_not() -> None:
    page = (PROJECT_ROOT / "docs" / "operations.md").read_text()
    paragraph = re.search(r"^These are (.+?)\. The servers .+? place of (.+?)\. (.+)$", page, re.M)
    assert paragraph is not None
    started, replaced, others = (set(re.findall(r"`([a-z][\w-]+)`", text)) for text in
                                 (paragraph[1], paragraph[2], paragraph[3]))  # fmt: skip
    assert started == set(SERVICES)
    assert replaced == {"postgres", "redis"}
    assert others == compose.SERVICES.keys() - started - replaced
