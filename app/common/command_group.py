"""Commands that report what an operator can fix in one sentence instead of a traceback."""

from typing import Any

import click
import psycopg
from sqlalchemy.exc import DBAPIError

from app.common.errors import AppError, BadRequest
from app.common.schema_version import SchemaMismatch
from app.common.settings import COMMAND, SettingsError
from app.common.sqlstates import INSUFFICIENT_PRIVILEGE, Failure, failure_of


class Command(click.Command):
    """A command whose texts are text: arguments may be any bytes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, args)
        for parameter in self.params:
            if _has_bytes(ctx.params.get(parameter.name or "")):
                raise click.BadParameter("Not UTF-8.", ctx=ctx, param=parameter)
        return rest


def _has_bytes(value: object) -> bool:
    """Whether a value of a parameter contains what is no character."""
    if isinstance(value, tuple):
        return any(map(_has_bytes, value))
    return isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value)


class CommandGroup(click.Group):
    """A group of commands under the name that the user calls it by."""

    command_class = Command

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        return super().make_context(COMMAND, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (SettingsError, SchemaMismatch) as error:
            raise click.ClickException(str(error)) from None
        except AppError as error:
            raise click.ClickException(_problem(error)) from None
        except (DBAPIError, psycopg.Error) as error:
            problem = _database_problem(error.orig if isinstance(error, DBAPIError) else error)
            if problem is None:
                raise
            raise click.ClickException(problem) from None
        except BrokenPipeError:
            raise  # click ends quietly: the reader of the output has gone
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}.") from None


def _database_problem(error: object) -> str | None:
    """What an operator reads of an error of the database; None if it is a defect of ours."""
    if not isinstance(error, psycopg.Error):
        return None
    why = next(iter(str(error).splitlines()), type(error).__name__).removesuffix(".")
    if error.sqlstate is None:
        is_outside = isinstance(error, psycopg.OperationalError)
        return f"Cannot connect to the database: {why}." if is_outside else None
    is_defect = failure_of(error.sqlstate) is Failure.DEFECT
    if is_defect and error.sqlstate != INSUFFICIENT_PRIVILEGE:
        return None
    return f"The database refuses: {why}."


def _problem(error: AppError) -> str:
    """What a user of a command reads: the error, or the problems of each argument."""
    if error.text != BadRequest.message:
        return error.text
    return "; ".join(f"{name}: {text}" for name, texts in error.details.items() for text in texts)
