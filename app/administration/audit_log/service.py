"""The audit log, as administrators see it."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from app.administration.audit_log import repository
from app.audit.models import AuditRecord
from app.auth.models import User
from app.common.csv_export import CsvBatch
from app.common.pagination import Page, PageRequest


@dataclass(frozen=True, slots=True)
class RecordedAction:
    """actor: None for the command line."""

    record: AuditRecord
    actor: User | None


#: The cells of a row of the export.
EXPORTED: Final = repository.RECORDS.cells


def list_records(session: Session, page: PageRequest, **filters: Any) -> Page[RecordedAction]:
    """Records, newest first.

    filters: within, when they were made; actor_id; target_id, of what was changed or read; action.
    """
    found = repository.RECORDS.read_page(session, page, **filters)
    return found.with_data(RecordedAction(*row) for row in found.data)


def export_records(session: Session, **filters: Any) -> CsvBatch:
    """A batch of all records of the list. filters: as of `list_records`, with limit and below."""
    return repository.RECORDS.read_csv(session, **filters)
