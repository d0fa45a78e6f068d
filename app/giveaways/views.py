"""HTTP of giveaways."""

from typing import Any, Final
from uuid import UUID

from flask import Response

from app.auth.guard import current_user, requires
from app.auth.models import Role
from app.auth.scopes import Scope
from app.common.concurrency_limiter import ConcurrencyLimiter
from app.common.csv_documents import CsvArgs, write
from app.common.csv_http import answers_csv, csv_download
from app.common.db import reading, retry_transaction, transaction
from app.common.http import Blueprint, json_response, settings
from app.common.idempotent import idempotent
from app.common.json_format import dump_json
from app.common.openapi import path_parameter
from app.common.pagination import PageArgs
from app.common.ratelimit import per_caller
from app.common.replica import may_lag
from app.giveaways import service
from app.giveaways.errors import (
    GiveawayAlreadyClaimed,
    GiveawayEnded,
    GiveawayHasNoFile,
    GiveawayNotFound,
    GiveawaySoldOut,
    ProductNotExportable,
)
from app.giveaways.http import limits_wrong_links, link_to
from app.giveaways.models import Giveaway
from app.giveaways.schemas import (
    CreateGiveawayIn,
    GiveawayClaimList,
    GiveawayList,
    GiveawayOfferOut,
    GiveawayOut,
    LinkedGiveaway,
    claim_out,
    giveaway_out,
    offer_out,
)
from app.orders.errors import CannotBuyOwnProduct, PurchaseLimitReached, QuantityTooLarge
from app.orders.purchases.schemas import OrderOut, order_response
from app.products.errors import ProductInactive, ProductNotFound, UnauthorizedProductAccess

_TOKEN: Final = path_parameter("giveaway_token", "Token of the giveaway's link")
_FILE_EXAMPLE: Final = "code\r\nGIFT-7F3A-21C9\r\nGIFT-0B6E-84D1\r\n"
#: Never used: a file has one part.
_files: Final = ConcurrencyLimiter(4, per_caller=1)

blp = Blueprint(
    "giveaways", __name__, url_prefix="/giveaways", description="Units that are given away"
)


def _serialized(giveaway: Giveaway) -> dict[str, Any]:
    token = giveaway.token
    link = link_to(token, base=settings().public_address) if token else None
    return giveaway_out(LinkedGiveaway(giveaway, link))


@blp.post("")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@blp.arguments(CreateGiveawayIn)
@per_caller("60/minute")
@idempotent(blp)
@blp.response(201, GiveawayOut)
@blp.errors(
    ProductNotFound,
    UnauthorizedProductAccess,
    ProductInactive,
    ProductNotExportable,
    GiveawaySoldOut,
    QuantityTooLarge,
)
def create_giveaway(body: dict[str, Any]) -> Response:
    """Create a giveaway

    A BATCH takes codes or new licence keys from the stock at once: get its file. A LINK lets
    signed-in users claim one unit each while there is stock, which it does not reserve. What is
    given away is an order without a price; it is no sale, and no money is moved.
    """
    created = retry_transaction(
        lambda session: service.create(session, merchant=current_user(session), **body)
    )
    return json_response(dump_json(_serialized(created)), 201)


@blp.get("")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@blp.arguments(PageArgs, location="query")
@blp.response(200, GiveawayList)
@may_lag
def list_giveaways(args: dict[str, Any]) -> Response:
    """List giveaways

    The caller's own, newest first.
    """
    with reading() as session:
        found = service.list_giveaways(session, merchant=current_user(session), **args)
    return json_response(dump_json(found.serialized(_serialized)))


@blp.get("/<uuid:giveaway_id>")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@blp.response(200, GiveawayOut)
@blp.errors(GiveawayNotFound)
def get_giveaway(giveaway_id: UUID) -> Response:
    """Get a giveaway

    Includes how many units have been given away.
    """
    with reading() as session:
        found = service.require_giveaway(
            session, merchant=current_user(session), giveaway_id=giveaway_id
        )
    return json_response(dump_json(_serialized(found)))


@blp.get("/<uuid:giveaway_id>/claims")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@blp.arguments(PageArgs, location="query")
@blp.response(200, GiveawayClaimList)
@blp.errors(GiveawayNotFound)
@may_lag
def list_giveaway_claims(args: dict[str, Any], giveaway_id: UUID) -> Response:
    """List the claims of a giveaway

    Newest first: who received what.
    """
    with reading() as session:
        found = service.list_claims(
            session, merchant=current_user(session), giveaway_id=giveaway_id, **args
        )
    return json_response(dump_json(found.serialized(claim_out)))


@blp.get("/<uuid:giveaway_id>/file")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_READ)
@blp.arguments(CsvArgs, location="query")
@blp.response(200)
@answers_csv(blp, example=_FILE_EXAMPLE)
@blp.errors(GiveawayNotFound, GiveawayHasNoFile)
def download_giveaway_file(args: dict[str, Any], giveaway_id: UUID) -> Response:
    """Download the codes of a batch

    Returns CSV with the column `code` or `key`, the same each time, without what was revoked.
    """
    with transaction() as session:
        merchant = current_user(session)
        file = service.require_file(session, merchant=merchant, giveaway_id=giveaway_id)
    # Not escaped for spreadsheets: a code must stay exactly what it is.
    document = write([(file.column,), *((code,) for code in file.codes)])
    return csv_download(
        iter([document]),
        filename="codes.csv",
        limiter=_files,
        caller_id=merchant.id,
        bom=args["bom"],
    )


@blp.post("/<uuid:giveaway_id>/close")
@requires(blp, Role.MERCHANT, scope=Scope.DELIVERY_WRITE)
@idempotent(blp)
@blp.response(200, GiveawayOut)
@blp.errors(GiveawayNotFound)
def close_giveaway(giveaway_id: UUID) -> Response:
    """Close a giveaway

    Its link can no longer be used. What was claimed stays with its recipients.
    """
    closed = retry_transaction(
        lambda session: service.close(
            session, merchant=current_user(session), giveaway_id=giveaway_id
        )
    )
    return json_response(dump_json(_serialized(closed)))


@blp.get("/by-token/<giveaway_token>", parameters=[_TOKEN])
@blp.response(200, GiveawayOfferOut)
@blp.errors(GiveawayNotFound)
@limits_wrong_links
@blp.doc(**{"x-caller": "holder of the link"})
def get_giveaway_by_token(giveaway_token: str) -> Response:
    """Get a giveaway by its link

    Returns what can be claimed. Needs no sign-in.
    """
    with reading() as session:
        offer = service.require_offer(session, token=giveaway_token)
    return json_response(dump_json(offer_out(offer)))


@blp.post("/by-token/<giveaway_token>/claim", parameters=[_TOKEN])
@requires(blp, scope=Scope.ORDERS_WRITE)
@blp.response(201, OrderOut)
@blp.errors(
    GiveawayNotFound,
    GiveawayEnded,
    GiveawayAlreadyClaimed,
    GiveawaySoldOut,
    CannotBuyOwnProduct,
    ProductNotFound,
    ProductInactive,
    PurchaseLimitReached,
)
@limits_wrong_links
@per_caller("60/minute")
@idempotent(blp)
def claim_giveaway(giveaway_token: str) -> Response:
    """Claim a giveaway

    Gives the caller one unit, once, as an order of 0.00 that is completed: get its delivery. The
    purchase limit of the product applies.
    """
    claimed = retry_transaction(
        lambda session: service.claim(session, user=current_user(session), token=giveaway_token)
    )
    return json_response(order_response(claimed).body, 201)
