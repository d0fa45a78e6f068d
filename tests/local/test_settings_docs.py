"""The documents about settings are complete and generated from the declarations."""

import ast
import re
from pathlib import Path

import pytest

from app.auth.quotas.quota import Quota
from app.common.env_fields import Declaration, declarations
from app.common.settings import PROJECT_ROOT, Settings, load_settings
from app.local import settings_docs
from app.retention.policy import RULES
from tests.environment import empty_environment

# A fixture, which pytest finds by name.
__all__ = ["empty_environment"]

DECLARED = declarations(Settings)
EXAMPLE = (PROJECT_ROOT / ".env.example").read_text()
COMPOSE = (PROJECT_ROOT / "docker-compose.yml").read_text()

#: Set by docker-compose.yml and the image: addresses and data folders.
SET_BY_COMPOSE = {
    *("BANK_PORT", "DATA_DIR", "GATEWAY_PORT", "HOST", "LIVE_PORT", "MAIL_PORT"),
    *("MAIL_SMTP_PORT", "PORT", "TRAFFIC_PORT"),
}
#: Passed only to the container `migrate`.
MIGRATE_ONLY = {"MIGRATION_DATABASE_URL"}
#: Of `backup archive`, which runs on the host of the backups.
BACKUP_ONLY = {name for name in declarations(Settings) if name.startswith("BACKUP_")}
#: Read by boto3.
BOTO3 = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}

each_setting = pytest.mark.parametrize("declaration", DECLARED.values(), ids=DECLARED)


def read_settings() -> set[str]:
    """The names of the settings that the application reads."""
    found = set()
    for path in (PROJECT_ROOT / "app").rglob("*.py"):
        own = path.name == "settings.py"
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                owner = ast.unparse(node.value)
                if re.search(r"settings(\(\)|\"\]|'\])?$", owner) or (own and owner == "self"):
                    found.add(node.attr)
    return found


#: The periods of the retention and the quotas are read by their names.
READ = (
    read_settings()
    | {rule.period for rule in RULES}
    | {f"quota_{quota.lower()}" for quota in Quota}
)


class TestDocuments:
    @pytest.mark.parametrize("name", settings_docs.DOCUMENTS)
    def test_the_document_is_up_to_date(self, name: str) -> None:
        current = (PROJECT_ROOT / name).read_text()

        assert current == settings_docs.updated(name), "run ./flow settings --write"

    def test_only_the_generated_parts_are_rewritten(self, tmp_path: Path) -> None:
        (tmp_path / "docs").mkdir()
        for name in settings_docs.DOCUMENTS:
            stale = (PROJECT_ROOT / name).read_text().replace("minutes", "hours")
            (tmp_path / name).write_text("# Mine\n" + stale)

        settings_docs.write(tmp_path)

        for name in settings_docs.DOCUMENTS:
            text = (tmp_path / name).read_text()
            assert text.startswith("# Mine\n")
            assert "Lifetime of a download link in minutes" in text

    def test_the_example_file_states_the_defaults(self, tmp_path: Path) -> None:
        lines = re.findall(r"^#([A-Z][A-Z0-9_]*=.*)$", EXAMPLE, re.M)
        (tmp_path / ".env").write_text("\n".join(lines))

        assert {line.partition("=")[0] for line in lines} >= set(DECLARED)
        assert load_settings() == Settings()


class TestDeclaration:
    @each_setting
    def test_the_description_is_a_full_sentence(self, declaration: Declaration) -> None:
        assert re.match(r"[A-Z`]", declaration.description)
        assert declaration.description.endswith(".")
        # The texts are table cells and comment lines.
        for text in (declaration.description, declaration.unset, declaration.default):
            assert not set(text) & {"|", "\n"}

    @pytest.mark.parametrize("name", DECLARED)
    def test_the_application_reads_the_setting(self, name: str) -> None:
        assert name.lower() in READ

    def test_the_first_setting_starts_a_section(self) -> None:
        assert next(iter(DECLARED.values())).section


class TestDockerCompose:
    def test_compose_passes_on_all_settings_and_nothing_else(self) -> None:
        block = re.search(r"^x-app-environment:.*?\n\n", COMPOSE, re.M | re.S)
        assert block is not None
        passed_on = set(re.findall(r"^  ([A-Z0-9_]+):", block[0], re.M))

        assert passed_on == set(DECLARED) - SET_BY_COMPOSE - MIGRATE_ONLY - BACKUP_ONLY | BOTO3

    def test_each_variable_of_compose_is_in_the_example_file(self) -> None:
        used = set(re.findall(r"\$\{([A-Z0-9_]+)", COMPOSE))

        assert {name for name in used if f"\n#{name}=" not in EXAMPLE} == set()
