"""The structure of the code, as documented in docs/architecture.md."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp

from app.common.settings import PROJECT_ROOT

APP = PROJECT_ROOT / "app"
SOURCES = sorted(APP.rglob("*.py"))

SQL_FUNCTIONS = {"select", "insert", "update", "delete", "text"}

#: Functions that send statements directly to the driver.
DRIVER_FUNCTIONS = {
    ("app.common.driver", "send"),
    ("app.common.db", "fetch_one"),
    ("app.common.bulk", "send_rows"),
    ("app.common.bulk", "BulkInsert"),
    ("app.common.bulk", "write"),
    ("app.common.driver", "send_later"),
}

#: Functions that write to the ledger.
LEDGER_WRITES = {"write_ledger", "update_balances"}

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
    "statements/",
    "common/money.py",
    "common/fields.py",
)

#: Files that may know HTTP, in every module.
HTTP_FILES = {"views", "page_views", "http", "guard", "schemas"}
#: Modules that assemble and start the application.
COMPOSITION = {"app.factory", "app.wiring", "app.worker", "app.cli", "app.local.development"}

MAX_LINES = 400


def name_of(path: Path) -> str:
    return path.relative_to(APP).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def calls(tree: ast.AST) -> Iterator[str]:
    """The unqualified names of all calls."""
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
    graph = grimp.build_graph("app", cache_dir=None)
    repositories = {m for m in graph.modules if m.endswith(".repository")}
    assert len(repositories) >= 6
    violations = {
        (importer, repository)
        for repository in repositories
        for importer in graph.find_modules_that_directly_import(repository)
        if not importer.startswith(repository.removesuffix("repository"))
    }
    assert violations == set()


def test_imports_have_no_cycles() -> None:
    graph = grimp.build_graph("app", cache_dir=None)
    for module in graph.modules:
        assert module not in graph.find_downstream_modules(module), module


def test_only_http_files_import_flask() -> None:
    """Directly or indirectly."""
    graph = grimp.build_graph("app", include_external_packages=True, cache_dir=None)
    reaching = {
        module
        for package in ("flask", "flask_smorest", "webargs", "flask_jwt_extended")
        for module in graph.find_downstream_modules(package)
    }
    below = {
        module
        for module in reaching
        if module.rpartition(".")[2] not in HTTP_FILES
        and not module.startswith("app.common.")
        and module not in COMPOSITION
    }
    assert below == set()


def test_only_the_ledger_posts() -> None:
    writers = {name_of(path) for path in SOURCES if LEDGER_WRITES & set(calls(tree_of(path)))}
    assert writers == {"wallets/ledger.py"}


def test_only_the_outflow_policy_authorizes_debits() -> None:
    authorizing = {
        name_of(path) for path in SOURCES if "Authorization" in set(calls(tree_of(path)))
    }
    assert authorizing == {"wallets/outflow.py"}


def test_the_ledger_lock_is_acquired_in_one_place() -> None:
    """Only what changes rows of batches, but no balance, acquires the lock later."""
    callers = {name_of(path) for path in SOURCES if "acquire_ledger_lock" in calls(tree_of(path))}
    assert callers == {
        "ledger_lock/service.py",
        "delivery/codes/service.py",
        "delivery/codes/uploads.py",
        "giveaways/service.py",
        "payment_requests/merchant_codes/service.py",
        "payment_requests/service.py",
    }


def test_sql_is_created_only_in_repositories() -> None:
    creators = {
        name_of(path)
        for path in SOURCES
        if path.name != "repository.py" and SQL_FUNCTIONS & imported_from_sqlalchemy(tree_of(path))
    }
    common = {name for name in creators if name.startswith("common/")}
    models = {name for name in creators if name.endswith("/models.py")}
    assert creators <= common | models


def test_models_use_text_only_in_indexes_constraints_and_defaults() -> None:
    declarations = ("Index", "CheckConstraint", "UniqueConstraint", "mapped_column")
    for path in APP.rglob("models.py"):
        tree = tree_of(path)
        declared = sum(
            name == "text"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in declarations
            for name in calls(node)
        )
        assert [name for name in calls(tree) if name in SQL_FUNCTIONS] == ["text"] * declared, path


def test_statements_are_executed_only_in_repositories() -> None:
    """By `session.scalar(…)` and similar methods."""
    methods = {"execute", "scalar", "scalars", "get_one", "merge", "add_all"}
    users = {
        name_of(path)
        for path in SOURCES
        if path.name != "repository.py" and methods & set(calls(tree_of(path)))
    }
    # Redis pipelines have a method `execute` too. The last two ask before there is a session.
    names = (
        *("connections", "db", "driver", "migrate", "cache", "pagination", "id_ranges"),
        *("replica", "rows"),
        *("privileges", "schema_version"),
    )
    common = {f"common/{name}.py" for name in names}
    pipelines = {"events/redis_stream.py", "live/feed.py", "common/window_counts.py"}
    embedded = {name for name in users if name.startswith("local/embedded/")}
    assert users <= common | pipelines | embedded


def test_only_repositories_send_statements_to_the_driver() -> None:
    senders = {
        path.name
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if (node.module, alias.name) in DRIVER_FUNCTIONS
    }
    assert senders == {"repository.py", "bulk.py"}


def test_inserts_take_their_columns_from_the_model() -> None:
    """`insert(Model)`, `session.add` and `BulkInsert` do; SQL text could omit a column."""
    writers = {name_of(path) for path in SOURCES if re.search(r"\bINSERT INTO\b", path.read_text())}
    assert writers == {"common/bulk.py"}


def test_delays_between_attempts_are_computed_in_one_place() -> None:
    computing = {name_of(path) for path in SOURCES if "uniform" in set(calls(tree_of(path)))}
    # Transactions are retried within milliseconds after contention.
    assert {name for name in computing if not name.startswith("demo/")} == {
        "common/backoff.py",
        "common/db.py",
    }


def test_pagination_is_implemented_in_one_place() -> None:
    paginating = {name_of(path) for path in SOURCES if "offset" in set(calls(tree_of(path)))}
    # A message of Kafka has an offset.
    assert paginating == {"common/pagination.py", "events/kafka/consumer.py"}


def test_only_one_place_commits() -> None:
    assert {name_of(path) for path in SOURCES if "commit" in set(calls(tree_of(path)))} == {
        "common/db.py",
        "events/kafka/consumer.py",  # its offset in Kafka
    }


def test_no_float_is_used_for_money() -> None:
    money = [path for path in SOURCES if name_of(path).startswith(MONEY)]
    assert len(money) > 20
    for path in money:
        for node in ast.walk(tree_of(path)):
            is_float = (isinstance(node, ast.Name) and node.id == "float") or (
                isinstance(node, ast.Constant) and isinstance(node.value, float)
            )
            assert not is_float, f"{name_of(path)}:{node.lineno}"


def test_process_state_is_kept_in_one_place() -> None:
    """No `global` statements, and no own attributes of Flask's `extensions`."""
    setting = {
        f"{name_of(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Global)
        or (isinstance(node, ast.Attribute) and node.attr == "extensions")
    }
    # flask-smorest keeps the OpenAPI document there.
    assert {place.partition(":")[0] for place in setting} == {"docs/views.py"}


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


def test_request_bodies_are_read_in_one_place() -> None:
    """There, the number of large ones that are received at a time is limited. The live process
    has small ones only."""
    readers = {
        name_of(path)
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute)
        and node.attr in ("stream", "data", "get_data", "files", "form", "get_json", "json")
        and isinstance(node.value, ast.Name)
        and node.value.id == "request"
    }
    assert readers == {"common/http.py", "live/views.py"}


def test_names_say_whether_a_missing_row_is_none_or_an_error() -> None:
    """`get_…` and `find_…` return None, `require_…` raises. Views are named like operations."""
    wrong = []
    for path in SOURCES:
        if path.name == "views.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            _, _, raised = (ast.get_docstring(node) or "").partition("Raises")
            returned = ast.unparse(node.returns) if node.returns else ""
            if (node.name.startswith(("get_", "find_")) and "NotFound" in raised) or (
                node.name.startswith("require_") and "| None" in returned
            ):
                wrong.append(f"{path.relative_to(APP)}: {node.name}")
    assert wrong == []


def test_no_file_exceeds_the_maximum_length() -> None:
    """In the application, tests, benchmarks, simulators and migrations."""
    sources = [
        path
        for folder in PROJECT_ROOT.iterdir()
        if folder.is_dir() and not folder.name.startswith(".")
        for path in folder.rglob("*.py")
    ]
    assert set(SOURCES) < set(sources)
    lengths = {path: len(path.read_text().splitlines()) for path in sources}
    assert {path: lines for path, lines in lengths.items() if lines > MAX_LINES} == {}


def test_the_contract_on_layers_covers_every_package() -> None:
    contracts = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["tool"][
        "importlinter"
    ]["contracts"]
    (inside,) = (each for each in contracts if each["name"].startswith("Inside a module"))
    assert inside["containers"] == ["app.**"]


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
