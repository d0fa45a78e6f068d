"""Generates `.env.example` and the tables in the docs from the declared settings."""

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import wrap
from typing import Final

from app.common.env_fields import Declaration, declarations
from app.common.generated import replace_generated
from app.common.production import SECRET_MIN_LENGTH
from app.common.settings import PROJECT_ROOT, Settings
from app.insights.objectives import prometheus
from app.insights.objectives.objective import Objectives


def as_env() -> str:
    """The settings as lines of `.env`, commented out, each below its description."""
    lines = []
    for name, declaration in declarations(Settings).items():
        if declaration.section:
            lines += ["", f"## {declaration.section}"]
        text = " ".join([*_sentences(declaration), *_default_sentence(declaration)])
        lines += [f"# {line}" for line in wrap(text, 98, break_on_hyphens=False)]
        lines.append(f"#{name}={declaration.default}")
    return "\n".join([*lines, "", ""])


def as_markdown() -> str:
    """The settings as a table per section."""
    lines = []
    for name, declaration in declarations(Settings).items():
        if declaration.section:
            lines += ["", f"**{declaration.section}**", ""]
            lines += ["| name | default | description |", "|---|---|---|"]
        default = f"`{declaration.default}`" if declaration.default else declaration.unset
        lines.append(f"| `{name}` | {default} | {' '.join(_sentences(declaration))} |")
    return "\n".join([*lines, "", ""])


def as_prometheus_rules(settings: Settings) -> str:
    """The objectives of these settings as rules of Prometheus."""
    return prometheus.rules(Objectives.of(settings))


def write(root: Path = PROJECT_ROOT) -> None:
    """Update the generated part of each document, and the rules of Prometheus."""
    for name in DOCUMENTS:
        (root / name).write_text(updated(name, root))
    rules = root / prometheus.FILE
    rules.parent.mkdir(parents=True, exist_ok=True)
    rules.write_text(as_prometheus_rules(Settings()))


def updated(name: str, root: Path = PROJECT_ROOT) -> str:
    """The text of one of DOCUMENTS with its generated part up to date."""
    return replace_generated((root / name).read_text(), "settings", DOCUMENTS[name]())


#: The generator of each document, by its path.
DOCUMENTS: Final[dict[str, Callable[[], str]]] = {
    ".env.example": as_env,
    "docs/operations.md": as_markdown,
}


def _sentences(declaration: Declaration) -> Iterator[str]:
    yield declaration.description
    if declaration.required_in_production:
        yield f"Required in production, with at least {SECRET_MIN_LENGTH} characters."


def _default_sentence(declaration: Declaration) -> Iterator[str]:
    if not declaration.default and declaration.unset != "none":
        yield f"Default: {declaration.unset}."
