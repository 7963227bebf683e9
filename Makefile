# Everything runs inside .venv, made from requirement files that are pinned with hashes.
# uv is used where it is installed and brought along, in .uv, where it is not.

UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN_UV := $(if $(filter .uv/bin/uv,$(UV)),PYTHONPATH=.uv .uv/bin/uv,uv)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHONS := src tests benchmarks

.PHONY: install demo test test-browser test-all lint types bench requirements clean

install: $(STAMP)

.uv/bin/uv:
	python3 -m pip install --quiet --disable-pip-version-check --target .uv uv

$(STAMP): requirements/dev.txt pyproject.toml | $(filter .uv/bin/uv,$(UV))
	$(RUN_UV) venv --quiet --allow-existing --python '>=3.11' $(VENV)
	$(RUN_UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(RUN_UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

demo: install
	rm -rf runs/demo
	$(BIN)/spondyl demo --out runs/demo

test: install
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow and not browser"

test-browser: install
	$(BIN)/pytest -n 2 --dist worksteal -m "browser and not slow"

test-all: install
	$(BIN)/pytest -n 2 --dist worksteal

lint: install
	$(BIN)/ruff check $(PYTHONS)
	$(BIN)/ruff format --check $(PYTHONS)

types: install
	$(BIN)/mypy

bench: install
	$(BIN)/python -m benchmarks

requirements: | $(filter .uv/bin/uv,$(UV))
	$(RUN_UV) pip compile --quiet --upgrade --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml -o requirements/run.txt
	$(RUN_UV) pip compile --quiet --upgrade --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml --group dev -o requirements/dev.txt

clean:
	rm -rf $(VENV) .uv
