"""Whether a view is accessible and fits: for the tests of all areas of the console."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from app.console.vendored import AXE

#: Names that are hard to show.
LONG = "An extraordinarily long product name without any end in sight "
ARABIC = "كتاب الطبخ العربي"
WIDTHS = (320, 768, 1280)


@pytest.fixture(params=["light", "dark"])
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page in one appearance. The check needs a script of its own, which our policy refuses."""
    with chromium.new_context(color_scheme=request.param, bypass_csp=True) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
    assert errors == []


def violations(page: Page) -> list[str]:
    """What axe-core finds, as rule and element."""
    (script,) = (AXE.file_of(module) for module in AXE.modules)
    if not page.evaluate("'axe' in window"):
        page.evaluate(script.read_text())
    found: dict[str, Any] = page.evaluate("axe.run()")
    return [
        f"{each['id']}: {json.dumps(node['target'])} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def check(page: Page, view: str = "") -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert violations(page) == [], (view, width)
        excess = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert excess <= 0, f"{view} {width}: {excess} px too wide"
