"""How the console's page and files are served."""

import gzip
import hashlib
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.console import assets, types, vendored
from app.docs.views import document_of


def policy_of(client: FlaskClient) -> dict[str, list[str]]:
    policy = client.get("/app").headers["Content-Security-Policy"]
    parts = (directive.split() for directive in policy.split(";"))
    return {name: sources for name, *sources in parts}


def linked_files(client: FlaskClient) -> list[str]:
    return re.findall(r'(?:href|src)="(/app/assets/[^"]+)"', client.get("/app").text)


def test_every_address_of_the_console_has_the_same_page(client: FlaskClient) -> None:
    page = client.get("/app")
    assert page.status_code == 200
    for path in ("/app/shop", "/app/purchases/01a21c0c-d75d-772c-9ad6-906d69e3b04c", "/app/"):
        assert client.get(path).text == page.text


def test_the_page_allows_no_inline_scripts_styles_or_other_hosts(client: FlaskClient) -> None:
    policy = policy_of(client)
    assert policy["default-src"] == ["'none'"]
    assert policy["require-trusted-types-for"] == ["'script'"]
    assert policy["trusted-types"] == ["'none'"]
    sources = {source for name in policy for source in policy[name]}
    assert not any(source.startswith(("'unsafe", "http", "*")) for source in sources)
    imports = re.search(r'<script type="importmap">(.*?)</script>', client.get("/app").text, re.S)
    assert imports is not None
    assert policy["script-src"] == ["'self'", assets.csp_hash(imports[1])]


def test_the_page_uses_the_camera_and_nothing_else_of_the_device(client: FlaskClient) -> None:
    policy = client.get("/app").headers["Permissions-Policy"]
    assert "camera=(self)" in policy
    assert {"microphone=()", "geolocation=()"} <= set(policy.split(", "))


def test_everything_that_the_page_loads_is_cached_for_ever(client: FlaskClient) -> None:
    files = linked_files(client)
    assert len(files) > 20
    for file in files:
        answer = client.get(file)
        assert answer.status_code == 200, file
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_the_page_knows_the_path_of_the_stream(
    client: FlaskClient, change_settings: Callable[..., None]
) -> None:
    assert '<meta name="stream" content="">' in client.get("/app").text
    change_settings(live_events_path="/live/events")
    assert '<meta name="stream" content="/live/events">' in client.get("/app").text


def test_files_of_another_version_are_not_cached(client: FlaskClient) -> None:
    answer = client.get("/app/assets/earlier/shell/main.js")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"


def test_files_are_compressed_for_clients_that_accept_it(client: FlaskClient) -> None:
    path = linked_files(client)[-1]
    plain = client.get(path)
    packed = client.get(path, headers={"Accept-Encoding": "br, gzip"})
    refused = client.get(path, headers={"Accept-Encoding": "gzip;q=0"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.data) == plain.data == refused.data
    assert packed.headers["ETag"] != plain.headers["ETag"]


def test_an_unchanged_page_is_not_sent_again(client: FlaskClient) -> None:
    etag = client.get("/app").headers["ETag"]
    assert client.get("/app", headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("name", ["../views.py", "%2e%2e/views.py", "missing.js", "ui"])
def test_nothing_else_is_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/app/assets/1/{name}").status_code == 404


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_the_appearance_of_the_cookie(client: FlaskClient, theme: str) -> None:
    client.set_cookie("payment_flow_theme", theme, path="/app")
    assert f'data-theme="{theme}"' in client.get("/app").text
    client.set_cookie("payment_flow_theme", '"><script>', path="/app")
    assert "data-theme" not in client.get("/app").text


def test_the_address_without_a_path_leads_browsers_to_the_console(client: FlaskClient) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    assert client.get("/", headers=browser).headers["Location"] == "/app"
    for accept in ("*/*", "application/json"):
        answer = client.get("/", headers={"Accept": accept})
        assert answer.headers["Location"] == "/api/docs"


@pytest.mark.parametrize("libraries", [vendored.LIBRARIES, (vendored.AXE,)], ids=["app", "tests"])
def test_the_libraries_are_those_of_the_list(libraries: tuple[vendored.Library, ...]) -> None:
    folder = libraries[0].folder
    assert (folder / "versions.txt").read_text() == vendored.listing(libraries)
    listed = {path.name for path in folder.glob("*.js")}
    assert listed == {
        library.file_of(module).name for library in libraries for module in library.modules
    }


def test_the_types_are_those_of_the_api(app: Flask) -> None:
    expected = types.as_typescript(document_of(app), prefix="/api/v1")
    assert types.FILE.read_text() == expected, "Run `./flow api --write`."


def test_the_version_is_that_of_the_content() -> None:
    before = assets.version()
    assert re.fullmatch(r"[0-9a-f]{16}", before)
    content = assets.assets()["shell/main.js"].content
    assert assets.assets()["shell/main.js"].etag == hashlib.sha256(content).hexdigest()[:32]


def test_no_two_style_sheets_have_rules_for_the_same_selector() -> None:
    """All are loaded on every page: a rule of one area would change the views of another."""
    found: dict[str, set[str]] = {}
    for name, asset in assets.assets().items():
        if name.endswith(".css"):
            for line in asset.content.decode().splitlines():
                if (match := re.match(r"([^\s@/}][^{]*?) *\{", line)) and ":root" not in match[1]:
                    found.setdefault(match[1], set()).add(name)
    assert {selector: names for selector, names in found.items() if len(names) > 1} == {}
