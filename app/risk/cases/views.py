"""HTTP of cases, for administrators, and of reviews, for payers."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy.orm import Session

from app.auth.admin_exports.http import exports, respond_with_export
from app.auth.errors import OwnAccount, UserNotFound
from app.auth.guard import (
    confirm_admin_code,
    current_admin,
    current_user,
    identity,
    requires,
    requires_admin_code,
)
from app.auth.models import Role
from app.auth.schemas import ReasonIn
from app.auth.scopes import Scope
from app.common.db import reading, transaction
from app.common.errors import BadRequest
from app.common.http import Blueprint, json_response
from app.common.idempotent import idempotent
from app.common.json_format import dump_json
from app.common.pagination import PageArgs
from app.ledger_lock.service import ledger_transaction
from app.risk.cases import service
from app.risk.cases.schemas import (
    AddCaseNoteIn,
    AssignCaseIn,
    CaseList,
    CaseOut,
    CasesArgs,
    ExportCasesArgs,
    ReleaseCaseIn,
    ReviewList,
    ReviewOut,
    SnoozeCaseIn,
    review_out,
)
from app.risk.cases.service import CaseDetails
from app.risk.errors import CaseDecided, CaseNotFound, NotReleasable, ReviewNotFound
from app.risk.http import current_origin
from app.risk.schemas import all_reasons

blp = Blueprint(
    "reviews", __name__, url_prefix="/wallet/reviews", description="Payments under review"
)
admin_blp = Blueprint(
    "admin-risk-cases",
    __name__,
    url_prefix="/admin/risk/cases",
    description="Payments under review",
)


@blp.get("")
@requires(blp, scope=Scope.WALLET_READ)
@blp.arguments(PageArgs, location="query")
@blp.response(200, ReviewList)
def list_reviews(args: dict[str, Any]) -> Response:
    """List reviews

    The caller's payments that are held until they are reviewed, or were, newest first.
    """
    with reading() as session:
        found = service.list_reviews(session, user_id=current_user(session).id, **args)
    return json_response(dump_json(found.serialized(review_out)))


@blp.get("/<uuid:review_id>")
@requires(blp, scope=Scope.WALLET_READ)
@blp.response(200, ReviewOut)
@blp.errors(ReviewNotFound)
def get_review(review_id: UUID) -> Response:
    """Get a review

    Visible to the payer. A payment that is released is made at that moment, as it was requested; if
    it is rejected, or not reviewed in time, its money is available again.
    """
    with reading() as session:
        user = current_user(session)
        found = service.require_review(session, case_id=review_id, user_id=user.id)
    return json_response(dump_json(review_out(found)))


@admin_blp.get("")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(CasesArgs, location="query")
@admin_blp.response(200, CaseList)
def list_cases(args: dict[str, Any]) -> Any:
    """List cases

    Newest first. With `status=OPEN` and `withSnoozed=false`, those that wait for a decision now.
    """
    with reading() as session:
        current_admin(session)
        return service.list_cases(session, **args)


@exports(admin_blp, "/export", ExportCasesArgs, cells=service.EXPORTED)
def export_cases(args: dict[str, Any]) -> Response:
    """Export cases as CSV

    Returns all cases of the list, newest first. Times are in UTC. The audit log records who has
    exported them, with which filters (`case.export`).
    """
    return respond_with_export("case", service.export_cases, service.EXPORTED, **args)


@admin_blp.get("/<uuid:case_id>")
@requires(admin_blp, Role.ADMIN)
@admin_blp.response(200, CaseOut)
@admin_blp.errors(CaseNotFound)
def get_case(case_id: UUID) -> Any:
    """Get a case

    With the rules that asked for the review, what they have read, and the notes.
    """
    with reading() as session:
        current_admin(session)
        return _shown(service.require_case(session, case_id))


@admin_blp.post("/<uuid:case_id>/assign")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(AssignCaseIn)
@idempotent(admin_blp)
@admin_blp.response(200, CaseOut)
@admin_blp.errors(CaseNotFound, CaseDecided, UserNotFound, BadRequest)
def assign_case(body: dict[str, Any], case_id: UUID) -> Any:
    """Assign a case

    Everybody sees who works on it. It does not keep others from deciding it.
    """
    with transaction() as session:
        actor = current_admin(session)
        return _shown(service.assign(session, actor_id=actor.id, case_id=case_id, **body))


@admin_blp.post("/<uuid:case_id>/snooze")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(SnoozeCaseIn)
@idempotent(admin_blp)
@admin_blp.response(200, CaseOut)
@admin_blp.errors(CaseNotFound, CaseDecided, BadRequest)
def snooze_case(body: dict[str, Any], case_id: UUID) -> Any:
    """Snooze a case

    It is left out of the queue until then. It expires as before.
    """
    with transaction() as session:
        actor = current_admin(session)
        return _shown(service.snooze(session, actor_id=actor.id, case_id=case_id, **body))


@admin_blp.post("/<uuid:case_id>/notes")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(AddCaseNoteIn)
@idempotent(admin_blp)
@admin_blp.response(201, CaseOut)
@admin_blp.errors(CaseNotFound)
def add_case_note(body: dict[str, Any], case_id: UUID) -> Any:
    """Add a note to a case

    Notes are never changed. The payer does not see them.
    """
    with transaction() as session:
        actor = current_admin(session)
        return _shown(service.add_note(session, actor_id=actor.id, case_id=case_id, **body))


@admin_blp.post("/<uuid:case_id>/release")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(ReleaseCaseIn)
@idempotent(admin_blp)
@admin_blp.response(200, CaseOut)
@admin_blp.errors(CaseNotFound, CaseDecided, NotReleasable, OwnAccount)
@requires_admin_code(admin_blp)
def release_case(body: dict[str, Any], case_id: UUID) -> Any:
    """Release a case

    The payment is made now, exactly as it was requested. If it is no longer possible, the case
    stays open with 409 `RISK_CASE_NOT_RELEASABLE`, and can be rejected. Of two administrators who
    decide at the same time, the second gets 409 `RISK_CASE_DECIDED`.
    """
    return _decide(service.release, case_id=case_id, **body)


@admin_blp.post("/<uuid:case_id>/reject")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(ReasonIn)
@idempotent(admin_blp)
@admin_blp.response(200, CaseOut)
@admin_blp.errors(CaseNotFound, CaseDecided, OwnAccount)
@requires_admin_code(admin_blp)
def reject_case(body: dict[str, Any], case_id: UUID) -> Any:
    """Reject a case

    The money is available to the payer again, and units of an order are on sale again. The payer
    learns that it was rejected, and neither the reason nor the rules.
    """
    return _decide(service.reject, case_id=case_id, **body)


def _decide(decide: Callable[..., CaseDetails], **values: Any) -> dict[str, Any]:
    """Call `decide` on behalf of the caller, under the ledger lock."""
    origin = current_origin(identity().session_id)

    def work(session: Session) -> CaseDetails:
        actor = current_admin(session)
        decided = decide(session, actor_id=actor.id, origin=origin, **values)
        confirm_admin_code(session)
        return decided

    return _shown(ledger_transaction(work))


def _shown(details: CaseDetails) -> dict[str, Any]:
    decision = details.decision
    return {
        "case": details.case,
        "reasons": all_reasons(decision.reasons if decision is not None else None),
        "inputs": details.inputs,
        "notes": details.notes,
    }
