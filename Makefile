# Everything the project needs beyond Python >= 3.11, pip, git and make is installed by these targets into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint types docs lock bench clean

demo: .venv/installed  ## judge the example application, healthy and with faults, side by side
	$(BIN)/python examples/demo.py

test: .venv/developed  ## all tests
	$(BIN)/pytest -n auto --dist worksteal  # some take long: nobody idles while another has a queue

lint: .venv/developed  ## style, types, workflows, manifests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/zizmor --offline --no-progress .
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/pre-commit validate-manifest .pre-commit-hooks.yaml

docs: .venv/developed  ## write docs/checks/ from the rules and their tests
	$(BIN)/python docs/generate.py

lock: .venv/developed  ## pin what the Action installs and what the release is built with
	$(BIN)/uv pip compile action/requirements.in --universal --python-version 3.11 --generate-hashes --upgrade --quiet -o action/requirements.txt
	$(BIN)/uv pip compile action/live.in -c action/requirements.txt --universal --python-version 3.11 --generate-hashes --upgrade --quiet -o action/live.txt
	$(BIN)/uv pip compile .github/build.in --universal --python-version 3.11 --generate-hashes --upgrade --quiet -o .github/build.txt

bench: .venv/developed  ## ratios to named peers, measured in alternation
	$(BIN)/python -m pip install --quiet --disable-pip-version-check bandit
	$(BIN)/python benchmarks/scan.py
	$(BIN)/python benchmarks/base.py
	$(BIN)/python benchmarks/hook.py

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mingus-gate needs Python 3.11 or newer; run make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

.venv/developed: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@ .venv/installed

clean:
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache
