"""HTTP of reconciliation."""

from typing import Any, Final

from flask import Response

from app.auth.guard import confirm_admin_code, current_admin, requires, requires_admin_code
from app.auth.models import Role
from app.banks.errors import ProviderUnknown
from app.common.csv_documents import marked
from app.common.csv_http import CONTENT_TYPE, require_csv, takes_csv
from app.common.db import transaction
from app.common.errors import BodyTooLarge, BodyTooSlow, UnsupportedMediaType
from app.common.http import Blueprint, json_response, raw_body, settings
from app.common.json_format import dump_json
from app.reconciliation import report, service
from app.reconciliation.errors import StatementInvalid
from app.reconciliation.run import reconcile
from app.reconciliation.schemas import (
    STATEMENT_EXAMPLE,
    ReconciliationArgs,
    ReconciliationOut,
    report_out,
)

#: About 150,000 lines.
MAX_BYTES: Final = 16 * 1024 * 1024
#: Maximum per request, to limit its duration; the next request continues.
MAX_CLOSED: Final = 500

admin_blp = Blueprint(
    "reconciliation", __name__, url_prefix="/admin", description="Reconciliation with banks"
)


@admin_blp.post("/reconciliations")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(ReconciliationArgs, location="query")
@admin_blp.response(200, ReconciliationOut)
@requires_admin_code(admin_blp)
@takes_csv(admin_blp, example=STATEMENT_EXAMPLE)
@admin_blp.doc(responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}})
@admin_blp.errors(
    ProviderUnknown, StatementInvalid, BodyTooLarge, BodyTooSlow, UnsupportedMediaType
)
def create_reconciliation(args: dict[str, Any]) -> Response:
    """Reconcile a bank statement

    Compares a bank's statement with our records. The body is the statement as `text/csv`, up to 16
    MiB: with our columns, as exported by the net banking of HDFC or Axis, or with `columns`. Lines
    without our reference are found by what the bank wrote, or by its own reference. Nothing is
    changed without `apply`. With it, payments and payouts that the bank has booked with our
    reference and amount, but not yet reported, are settled as if reported; only this requires a
    two-factor code.
    """
    form, bom = args.pop("form"), args.pop("bom")
    currency = args.pop("currency", settings().default_currency)
    written = args.pop("written")
    require_csv("the statement")
    with transaction() as session:
        actor = current_admin(session)
        service.record_run(session, actor_id=actor.id, **args)
        if args["apply"]:  # it settles payments as the statement says
            confirm_admin_code(session)
    found = reconcile(
        raw_body(max_bytes=MAX_BYTES),
        currency=currency,
        form=written,
        actor_id=actor.id,
        max_closed=MAX_CLOSED,
        **args,
    )
    if form == "csv":
        document = b"".join(marked(iter([report.to_csv(found)]), bom=bom))
        return Response(document, content_type=CONTENT_TYPE)
    return json_response(dump_json(report_out(found)))
