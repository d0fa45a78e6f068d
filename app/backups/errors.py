"""How backups can fail."""

import click


class BackupError(click.ClickException):
    """The message is one sentence for the operator."""
