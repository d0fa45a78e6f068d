"""What is said about the settings is generated from their declarations, and complete."""

import ast
import re
from pathlib import Path

import pytest

from app.common.env_fields import Declaration, declarations
from app.common.settings import PROJECT_ROOT, Settings, load_settings
from app.local import settings_docs
from tests.environment import empty_environment

# A fixture, which pytest finds by name.
__all__ = ["empty_environment"]

DECLARED = declarations(Settings)
EXAMPLE = (PROJECT_ROOT / ".env.example").read_text()
COMPOSE = (PROJECT_ROOT / "docker-compose.yml").read_text()

#: What docker-compose.yml and the image decide: where things listen and keep their data.
DECIDED_BY_COMPOSE = {"BANK_PORT", "DATA_DIR", "GATEWAY_PORT", "HOST", "PORT"}
#: What only the container `migrate` is told.
OF_MIGRATE = {"MIGRATION_DATABASE_URL"}
#: What boto3 reads.
OF_BOTO3 = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}

each_setting = pytest.mark.parametrize("declaration", DECLARED.values(), ids=DECLARED)


def read_settings() -> set[str]:
    """Each attribute that the application reads of its settings."""
    found = set()
    for path in (PROJECT_ROOT / "app").rglob("*.py"):
        own = path.name == "settings.py"
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                owner = ast.unparse(node.value)
                if re.search(r"settings(\(\)|\"\]|'\])?$", owner) or (own and owner == "self"):
                    found.add(node.attr)
    return found


READ = read_settings()


class TestTheDocuments:
    @pytest.mark.parametrize("name", settings_docs.DOCUMENTS)
    def test_it_is_as_generated(self, name: str) -> None:
        current = (PROJECT_ROOT / name).read_text()

        assert current == settings_docs.updated(name), "run ./flow settings --write"

    def test_what_is_out_of_date_is_renewed_and_nothing_else(self, tmp_path: Path) -> None:
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


class TestADeclaration:
    @each_setting
    def test_it_is_described_in_whole_sentences(self, declaration: Declaration) -> None:
        assert re.match(r"[A-Z`]", declaration.description)
        assert declaration.description.endswith(".")
        # They are cells of a table and lines of comments.
        for text in (declaration.description, declaration.unset, declaration.default):
            assert not set(text) & {"|", "\n"}

    @pytest.mark.parametrize("name", DECLARED)
    def test_it_is_read_by_the_application(self, name: str) -> None:
        assert name.lower() in READ

    def test_the_first_one_starts_a_section(self) -> None:
        assert next(iter(DECLARED.values())).section


class TestDockerCompose:
    def test_it_passes_on_every_setting_and_nothing_unknown(self) -> None:
        block = re.search(r"^x-app-environment:.*?\n\n", COMPOSE, re.M | re.S)
        assert block is not None
        passed_on = set(re.findall(r"^  ([A-Z0-9_]+):", block[0], re.M))

        assert passed_on == set(DECLARED) - DECIDED_BY_COMPOSE - OF_MIGRATE | OF_BOTO3

    def test_each_variable_that_it_takes_from_the_environment_is_in_the_example_file(self) -> None:
        taken = set(re.findall(r"\$\{([A-Z0-9_]+)", COMPOSE))

        assert {name for name in taken if f"\n#{name}=" not in EXAMPLE} == set()
