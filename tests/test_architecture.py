"""The shape of the code, as docs/architecture.md promises it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp

from app.common.settings import PROJECT_ROOT

APP = PROJECT_ROOT / "app"
SOURCES = sorted(APP.rglob("*.py"))

#: Where statements are made, beside every module's repository.py.
SQL_ELSEWHERE = {"verify/report.py"}
SQL_MAKERS = {"select", "insert", "update", "delete", "text"}

#: Lists that do not use `paginate` yet.
PAGED_BY_HAND = {
    f"{module}/repository.py" for module in ("auth", "holds", "orders", "payment_requests")
}

#: What writes to the ledger.
POSTING = {"insert_entries", "insert_postings", "update_balances"}

MODULES = (
    "auth",
    "inbox",
    "wallets",
    "products",
    "orders",
    "onramp",
    "payouts",
    "transfers",
    "payment_requests",
    "idempotency",
    "events",
    "audit",
)

MONEY = (
    "wallets/",
    "orders/",
    "onramp/",
    "inbox/",
    "banks/",
    "gateway/",
    "payouts/",
    "reconciliation/",
    "products/",
    "transfers/",
    "payment_requests/",
    "holds/",
    "statements/",
    "common/money.py",
    "common/fields.py",
)

MAX_LINES = 400


def name_of(path: Path) -> str:
    return path.relative_to(APP).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def calls(tree: ast.AST) -> Iterator[str]:
    """The last part of the name of everything that is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id
            elif isinstance(node.func, ast.Attribute):
                yield node.func.attr


def imported_from_sqlalchemy(tree: ast.Module) -> set[str]:
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
        for alias in node.names
    }


def test_a_repository_is_private_to_its_module() -> None:
    graph = grimp.build_graph("app")
    repositories = {m for m in graph.modules if m.endswith(".repository")}
    assert len(repositories) >= 6
    trespassers = {
        (importer, repository)
        for repository in repositories
        for importer in graph.find_modules_that_directly_import(repository)
        if importer.rpartition(".")[0] != repository.rpartition(".")[0]
    }
    assert trespassers == set()


def test_modules_below_the_top_never_import_in_a_circle() -> None:
    graph = grimp.build_graph("app")
    for name in MODULES:
        module = f"app.{name}"
        descendants = graph.find_descendants(module)
        downstream = graph.find_downstream_modules(module, as_package=True)
        upstream = graph.find_upstream_modules(module, as_package=True)
        assert (downstream & upstream) - descendants == set(), name


def test_only_the_ledger_posts() -> None:
    posting = {name_of(path) for path in SOURCES if POSTING & set(calls(tree_of(path)))}
    assert posting == {"wallets/ledger.py"}


def test_sql_is_made_only_in_repositories() -> None:
    makers = {
        name_of(path)
        for path in SOURCES
        if path.name != "repository.py" and SQL_MAKERS & imported_from_sqlalchemy(tree_of(path))
    }
    common = {name for name in makers if name.startswith("common/")}
    models = {name for name in makers if name.endswith("/models.py")}
    assert makers - common - models == SQL_ELSEWHERE


def test_models_use_text_only_to_state_indexes_constraints_and_defaults() -> None:
    stating = ("Index", "CheckConstraint", "UniqueConstraint", "mapped_column")
    for path in APP.rglob("models.py"):
        tree = tree_of(path)
        stated = sum(
            name == "text"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in stating
            for name in calls(node)
        )
        assert [name for name in calls(tree) if name in SQL_MAKERS] == ["text"] * stated, path


def test_nothing_is_executed_outside_repositories() -> None:
    """`session.scalar(…)` and the like: a statement needs them to do anything."""
    doing = {"execute", "scalar", "scalars", "get_one", "merge", "add_all"}
    users = {
        name_of(path)
        for path in SOURCES
        if path.name != "repository.py" and doing & set(calls(tree_of(path)))
    }
    # A Redis pipeline is executed, too.
    common = {f"common/{name}.py" for name in ("db", "driver", "migrate", "cache", "pagination")}
    assert users <= SQL_ELSEWHERE | common | {
        name for name in users if name.startswith("common/embedded/")
    }


def test_only_repositories_send_statements_to_the_driver() -> None:
    senders = {
        path.name
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if (node.module, alias.name) in {("app.common.driver", "send"), ("app.common.db", "lookup")}
    }
    assert senders == {"repository.py"}


def test_lists_are_cut_into_pages_in_one_place() -> None:
    skipping = {name_of(path) for path in SOURCES if "offset" in set(calls(tree_of(path)))}
    assert skipping <= {"common/pagination.py", *PAGED_BY_HAND}


def test_only_one_place_commits() -> None:
    assert {name_of(path) for path in SOURCES if "commit" in set(calls(tree_of(path)))} == {
        "common/db.py"
    }


def test_money_never_meets_a_float() -> None:
    money = [path for path in SOURCES if name_of(path).startswith(MONEY)]
    assert len(money) > 20
    for path in money:
        for node in ast.walk(tree_of(path)):
            is_float = (isinstance(node, ast.Name) and node.id == "float") or (
                isinstance(node, ast.Constant) and isinstance(node.value, float)
            )
            assert not is_float, f"{name_of(path)}:{node.lineno}"


def test_time_is_read_in_one_place() -> None:
    readers = {
        name_of(path)
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute)
        and node.attr in ("now", "utcnow", "today")
        and isinstance(node.value, ast.Name)
        and node.value.id in ("datetime", "date")
    }
    assert readers == {"common/clock.py"}


def test_no_file_is_longer_than_a_subject() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_every_module_has_only_files_that_answer_a_known_question() -> None:
    for module in MODULES:
        assert (APP / module / "__init__.py").read_text() == "", module
        assert (APP / module / "service.py").exists()
        assert (APP / module / "repository.py").exists()
        assert (APP / module / "models.py").exists()


def test_the_import_contracts_hold() -> None:
    result = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    assert "0 broken" in result.stdout
