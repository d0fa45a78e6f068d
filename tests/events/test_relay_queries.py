"""What the relay reads: no more than it delivers, however long the outbox is."""

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.common.db import transaction
from app.common.ids import new_id
from app.events.relay import repository, service
from app.events.relay.repository import Gap
from tests.events.relaying import Recorder, activate


def test_a_turn_reads_only_what_it_delivers(
    committing: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many events there are, and with gaps to search."""
    with transaction() as session:
        activate(session, *[new_id() for _ in range(3000)])
    monkeypatch.setattr(service, "BATCH_SIZE", 10)
    service.add_sink(sink := Recorder())
    service.deliver(sink)
    with transaction() as session:
        progress = repository.lock_progress(session, sink.name)
        assert progress is not None
        gaps = (Gap(progress.position - 3, progress.position - 1),)
        before = rows_read(session)
        repository.read_snapshot(session, replace(progress, gaps=gaps), types=None, limit=10)

        assert rows_read(session) - before == 13


def rows_read(session: Session) -> int:
    found = session.execute(
        text("""
            SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables
            WHERE relname = 'outbox_events'
        """)
    )
    return int(found.scalar_one())
