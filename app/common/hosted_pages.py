"""Pages for buyers, whose scripts call the API: with one look, in the reader's formats."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Response,
    make_response,
    render_template,
    request,
    send_from_directory,
)

from app.common.http import settings
from app.common.locales import display_money, display_time, preferred_locale
from app.common.money import Money

_SHARED: Final = Path(__file__).parent / "static" / "hosted_page"

#: Resources from this server only, and nothing inline.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page_blueprint(name: str, module: str, path: str, *, folder: Path) -> Blueprint:
    """A blueprint for the pages below `path`. folder: with `templates`, and `static` for the files
    that are served beside those that all pages share."""
    blueprint = Blueprint(name, module, url_prefix=path, template_folder=str(folder / "templates"))

    def asset(asset_name: str) -> Response:
        own = folder / "static"
        is_shared = any(asset_name == each.name for each in _SHARED.iterdir())
        return send_from_directory(_SHARED if is_shared else own, asset_name, max_age=3600)

    blueprint.add_url_rule("/assets/<asset_name>", view_func=asset, endpoint="asset")
    return blueprint


def render(template: str, **values: Any) -> str:
    """A page in the reader's locale, which the browser states.

    The template has `locale`, `api` (path prefix of the API) and `phone_sign_up` (whether a phone
    number is enough to sign up), and the functions `money` and `time`.
    """
    locale = preferred_locale(request.headers.get("Accept-Language"))

    def money(amount: Money) -> str:
        return display_money(amount.minor, amount.currency, locale=locale)

    def time(moment: datetime, zone: ZoneInfo) -> str:
        return display_time(moment, zone, locale=locale)

    return render_template(
        template,
        locale=locale,
        api=settings().api_prefix,
        phone_sign_up=settings().phone_auto_registration,
        money=money,
        time=time,
        **values,
    )


def respond(html: str, status: int = 200) -> Response:
    """The response with a page, which must not load anything from elsewhere."""
    response = make_response(html, status)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Vary"] = "Accept-Language"
    return response
