"""HTTP of the audit log."""

from typing import Any

from flask import Response

from app.administration.audit_log import service
from app.administration.audit_log.schemas import AuditArgs, AuditRecordList, ExportAuditArgs
from app.auth.admin_exports.http import exports, respond_with_export
from app.auth.guard import current_admin, requires
from app.auth.models import Role
from app.common.db import reading
from app.common.http import Blueprint
from app.common.replica import may_lag

admin_blp = Blueprint(
    "admin-audit", __name__, url_prefix="/admin/audit", description="The audit log"
)


@admin_blp.get("")
@requires(admin_blp, Role.ADMIN)
@admin_blp.arguments(AuditArgs, location="query")
@admin_blp.response(200, AuditRecordList)
@may_lag
def list_audit_records(args: dict[str, Any]) -> Any:
    """List audit records

    Newest first: who did what, to what or whom, and why. Records never change.
    """
    with reading() as session:
        current_admin(session)
        return service.list_records(session, **args)


@exports(admin_blp, "/export", ExportAuditArgs, cells=service.EXPORTED)
def export_audit_records(args: dict[str, Any]) -> Response:
    """Export audit records as CSV

    Returns all records of the list, newest first. `details` is a JSON object. Times are in UTC. The
    audit log records who has exported it, with which filters (`audit-record.export`).
    """
    return respond_with_export("audit-record", service.export_records, service.EXPORTED, **args)
