"""The command that trains a model."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from app.risk.learning.training import Trained

_MAX_DAYS: Final = 366
_FIGURES: Final = (("ROC AUC", "rocAuc"), ("precision at 1 %", "precisionAt1Percent"))


def add_to(group: click.Group, connect: Callable[[], object]) -> None:
    """Add `train` to the group `risk`. connect: connects the command to the database."""

    @group.command()
    @click.option(
        "--days",
        type=click.IntRange(1, _MAX_DAYS),
        default=90,
        show_default=True,
        help="Of the attempts of so many days.",
    )
    @click.option(
        "--generated",
        is_flag=True,
        help="Train with a generated history with planted fraud, and store nothing.",
    )
    def train(days: int, generated: bool) -> None:
        """Train a model with past attempts, and put it into shadow.

        Needs the extra `train` of this package (scikit-learn).
        """
        from app.common.errors import AppError
        from app.risk.learning.training import TrainingImpossible

        connect()
        try:
            if generated:
                _show(_train_with_generated())
            else:
                _train(days)
        except TrainingImpossible as error:
            raise click.ClickException(str(error)) from None
        except AppError as error:
            raise click.ClickException(f"{error.message}.") from None


def _train(days: int) -> None:
    from app.common import clock
    from app.ledger_lock.service import ledger_transaction
    from app.risk.learning import service, training

    ends_at = clock.now()
    starts_at = ends_at - timedelta(days=days)
    trained = training.train(service.read_examples(starts_at=starts_at, ends_at=ends_at))
    _show(trained)
    version = ledger_transaction(
        lambda session: (
            service.add_model(session, trained, starts_at=starts_at, ends_at=ends_at).version
        )
    )
    click.echo(
        f"Model {version} is in shadow, with a rule `{service.RULE_KEY}` that an administrator can"
        " activate."
    )


def _train_with_generated() -> "Trained":
    from app.common.db import reading
    from app.risk import rulesets
    from app.risk.learning import generated, service, training

    with reading() as session:
        rules = service.without_models(rulesets.query_in_force(session)().rules)
    return training.train(generated.examples(rules, rulesets.parameters()))


def _show(trained: "Trained") -> None:
    report: Mapping[str, Any] = trained.report
    for part, name in (("learning", "Learned from"), ("test", "Tested with")):
        count, bad = report[f"{part}Attempts"], report[f"{part}Bad"]
        click.echo(f"{name} {count} attempts, {bad} of them bad.")
    click.echo(f"{'':18}{'model':>8}{'rules':>8}")
    for name, key in _FIGURES:
        click.echo(f"{name:18}{report['model'][key]:>8}{report['rules'][key]:>8}")
