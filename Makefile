.PHONY: run test lint verify clean

run:
	./flow up

test:
	./flow test

# The first line installs the development tools if they are missing.
lint:
	@./flow test --help > /dev/null
	.venv/bin/ruff format --check . && .venv/bin/ruff check . && .venv/bin/lint-imports && .venv/bin/mypy

verify:
	./flow verify

# Leaves the data folder (.data) alone: it holds a database.
clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find app tests migrations -name __pycache__ -prune -exec rm -rf {} +
