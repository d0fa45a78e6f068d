"""The page that the link of a giveaway opens."""

from pathlib import Path

from flask import Response

from app.common.db import reading
from app.common.hosted_pages import page_blueprint, render, respond
from app.giveaways.claim_page.service import require_claim_page
from app.giveaways.errors import GiveawayNotFound
from app.giveaways.http import PATH, limits_wrong_links

page_blp = page_blueprint("claim", __name__, PATH, folder=Path(__file__).parent)


@page_blp.get("/<giveaway_token>")
@limits_wrong_links
def page(giveaway_token: str) -> Response:
    try:
        with reading() as session:
            found = require_claim_page(session, giveaway_token)
    except GiveawayNotFound:
        return respond(render("claim/missing.html"), 404)
    return respond(render("claim/page.html", page=found, token=giveaway_token))
