"""HTML pages: the list of mails, and one mail as text, HTML and source."""

import sqlite3
from typing import Final

from flask import Blueprint, Response, abort, jsonify, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox.common.simulator import current_simulator
from sandbox.common.store import Store
from sandbox.common.web import csrf_token, render_page, require_csrf_token
from sandbox.mail import store as mails

blueprint = Blueprint("pages", __name__, template_folder="templates")

_PAGE: Final = 50
#: Not a secret: the token only tells our forms from those of other sites.
_KEY: Final = b"mail catcher"
#: A mail is a stranger's: it runs nothing, loads nothing and knows nothing of this site.
_MAIL_POLICY: Final = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)
_FRAME_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def _store() -> Store:
    store: Store = current_simulator().store
    return store


@blueprint.get("/health")
def health() -> Response:
    with _store().read_transaction():
        return jsonify(status="ok")


@blueprint.get("/")
def overview() -> Response:
    """The mails, newest first. q: what recipient, subject or text contain; before: an id."""
    text = request.args.get("q", "").strip()
    before = request.args.get("before", type=int)
    found = mails.search(_store(), text, before=before, limit=_PAGE + 1)
    return render_page(
        "overview.html",
        mails=found[:_PAGE],
        text=text,
        older=found[_PAGE - 1]["id"] if len(found) > _PAGE else None,
        is_first=before is None,
        csrf_token=csrf_token(_KEY, "clear"),
        smtp=f"{current_simulator().config.host}:{current_simulator().worker.wait_for_port()}",
    )


@blueprint.post("/clear")
def clear() -> AnyResponse:
    require_csrf_token(_KEY, "clear")
    mails.clear(_store())
    return redirect(url_for("pages.overview"), code=303)


@blueprint.get("/mails/<int:mail_id>")
def show(mail_id: int) -> Response:
    """One mail. view: `html`, `text` or `source`."""
    row = _require(mail_id)
    mail = mails.parse(row["source"])
    has_html = mails.part(mail, "html") is not None
    view = request.args.get("view", "html" if has_html else "text")
    response = render_page(
        "mail.html",
        mail=row,
        sender=str(mail["From"] or ""),
        view=view,
        has_html=has_html,
        source=row["source"].decode("utf-8", "replace"),
    )
    response.headers["Content-Security-Policy"] = _FRAME_POLICY
    return response


@blueprint.get("/mails/<int:mail_id>/html")
def show_html(mail_id: int) -> Response:
    """The HTML of a mail, for the frame. Its links open new tabs."""
    html = mails.part(mails.parse(_require(mail_id)["source"]), "html")
    if html is None:
        abort(404, "This mail has no HTML.")
    response = make_response(html.replace("<head>", '<head><base target="_blank">', 1))
    response.headers["Content-Security-Policy"] = _MAIL_POLICY
    return response


@blueprint.get("/api/mails")
def list_mails() -> Response:
    """The mails as JSON, for programs: q and before as of the page."""
    found = mails.search(
        _store(),
        request.args.get("q", ""),
        before=request.args.get("before", type=int),
        limit=_PAGE,
    )
    return jsonify(mails=[dict(row) for row in found])


def _require(mail_id: int) -> sqlite3.Row:
    row = mails.get(_store(), mail_id)
    if row is None:
        abort(404, "This mail has been deleted.")
    return row
