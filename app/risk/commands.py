"""The commands of risk screening."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime

import click

from app.risk.learning import commands as learning

_DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
_MAX_SHOWN = 10


def group(connect: Callable[[], object]) -> click.Group:
    """The group `risk`. connect: connects the command to the database."""

    @click.group()
    def risk() -> None:
        """Risk screening: replay decisions, train a model."""

    @risk.command()
    @click.option("--from", "since", type=_DAY, help="Of decisions since then (UTC).")
    @click.option("--to", "until", type=_DAY, help="Of decisions before then (UTC, exclusive).")
    def replay(since: datetime | None, until: datetime | None) -> None:
        """Evaluate stored decisions again; exit code 1 if one of them differs."""
        from app.common.db import reading
        from app.risk import replay as replays

        connect()
        count = 0
        differing = []
        with reading() as session:
            for decision in replays.replay(session, since=_utc(since), until=_utc(until)):
                count += 1
                if not decision.agrees:
                    differing.append(decision)
        for decision in differing[:_MAX_SHOWN]:
            click.echo(f"{decision.id}:")
            click.echo(f"  stored:   {decision.stored.decode()}")
            click.echo(f"  replayed: {decision.replayed.decode()}")
        click.echo(f"{count} decisions were replayed, {len(differing)} differ.")
        sys.exit(1 if differing else 0)

    learning.add_to(risk, connect)
    return risk


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
