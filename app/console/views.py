"""The console at `/app`: one page, whose scripts show every view and call the API."""

from typing import Final

from flask import Blueprint, Response, make_response, render_template, request, url_for
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from app.banks import providers
from app.common.http import settings
from app.console import assets
from app.gateway import provider_config

#: Resources from this server only, nothing inline but the import map, and no script from strings.
_POLICY: Final = (
    "default-src 'none'; script-src 'self' {imports}; style-src 'self'; img-src 'self' data: blob:;"
    " connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
#: The camera is for scanning codes; nothing else of the device is used.
_PERMISSIONS: Final = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"
_FOR_EVER: Final = "public, max-age=31536000, immutable"

blp = Blueprint("console", __name__, url_prefix="/app", template_folder="templates")


@blp.get("")
@blp.get("/<path:view>")
def page(view: str = "") -> Response:
    """The page. Its scripts read from the address which view to show."""
    base = url_for("console.asset", version=assets.version(), asset_name="icon.svg").removesuffix(
        "icon.svg"
    )
    import_map = assets.import_map(base)
    html = render_template(
        "console/page.html",
        base=base,
        modules=assets.initial_modules(),
        import_map=Markup(import_map),  # noqa: S704 – names of our files only
        api=settings().api_prefix,
        deposits=settings().direct_deposits_allowed,
        simulated=_simulated(),
        traffic=not settings().is_production,
        stream=settings().live_events_path,
        theme=_theme(),
    )
    response = make_response(html)
    policy = _POLICY.format(imports=assets.csp_hash(import_map))
    response.headers["Content-Security-Policy"] = policy
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Permissions-Policy"] = _PERMISSIONS
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.add_etag()
    response.make_conditional(request)
    return response


def _simulated() -> str:
    """Which providers are simulated, so that no real money moves: `bank`, `card`, both or none."""
    given = settings()
    gateway = provider_config.from_settings(given)
    found = {
        "bank": providers.uses_simulator(given),
        "card": gateway is not None and not gateway.is_live,
    }
    return " ".join(name for name, is_simulated in found.items() if is_simulated)


def _theme() -> str | None:
    """The appearance that the user has chosen instead of the system's."""
    chosen = request.cookies.get("payment_flow_theme")
    return chosen if chosen in ("light", "dark") else None


@blp.get("/assets/<version>/<path:asset_name>")
def asset(version: str, asset_name: str) -> Response:
    """A file of the console. During an update a page may ask for files of another version."""
    found = assets.assets().get(asset_name)
    if found is None:
        raise NotFound
    accepts_gzip = request.accept_encodings.quality("gzip") > 0
    response = make_response(found.compressed if accepts_gzip else found.content)
    if accepts_gzip:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Type"] = found.media_type
    response.headers["Vary"] = "Accept-Encoding"
    is_current = version == assets.version()
    response.headers["Cache-Control"] = _FOR_EVER if is_current else "no-cache"
    response.set_etag(found.etag + ("-gzip" if accepts_gzip else ""))
    response.make_conditional(request)
    return response
