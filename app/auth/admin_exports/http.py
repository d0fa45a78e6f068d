"""Lists of administrators as CSV documents, each export of which is in the audit log."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from flask import Response, request

from app.audit import service as audit
from app.auth.guard import current_admin, requires
from app.auth.models import Role
from app.common import csv_export
from app.common.concurrency_limiter import ConcurrencyLimiter
from app.common.csv_documents import CsvArgs
from app.common.csv_export import CsvBatch
from app.common.csv_http import answers_csv, csv_download
from app.common.db import reading, transaction
from app.common.http import Blueprint
from app.common.ids import new_id
from app.common.ratelimit import per_caller

View = TypeVar("View", bound=Callable[..., Any])

#: Rows read per query.
CHUNK: Final = 5000
#: Limits long exports, each of which occupies a thread of this process.
_exports: Final = ConcurrencyLimiter(2)


def exports(
    blueprint: Blueprint, path: str, args: type[CsvArgs], *, cells: Mapping[str, Any]
) -> Callable[[View], View]:
    """Register the endpoint of an export. cells: the names of its columns are in the document."""

    def register(view: View) -> View:
        limited = per_caller("20/minute")(view)
        documented = answers_csv(blueprint, example=",".join(cells) + "\r\n")(limited)
        documented = blueprint.response(200, description="One row per line of the list")(documented)
        documented = blueprint.arguments(args, location="query")(documented)
        registered: View = blueprint.get(path)(requires(blueprint, Role.ADMIN)(documented))
        return registered

    return register


def respond_with_export(
    noun: str,
    read: Callable[..., CsvBatch],
    cells: Mapping[str, Any],
    *,
    bom: bool,
    target: tuple[str, UUID] | None = None,
    **filters: Any,
) -> Response:
    """Answer all rows that `read` finds for these filters, once the audit log has who exported
    what: `<noun>.export`.

    read: called as by `csv_export.export`, with the filters; target: of the record, the export
    itself if None. Raises AdminCodeRequired, Unavailable.
    """
    with transaction() as session:
        actor = current_admin(session)
        audit.record(
            session,
            actor_id=actor.id,
            action=f"{noun}.export",
            target=target or ("export", new_id()),
            details={name: value for name, value in request.args.items() if name != "bom"},
        )
        actor_id = actor.id
    parts = csv_export.export(cells, partial(read, **filters), size=CHUNK, reading=reading)
    return csv_download(
        parts, filename=f"{noun}s.csv", limiter=_exports, caller_id=actor_id, bom=bom
    )
