# One command each; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin

.PHONY: help setup demo test check bench chaos soak clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: .venv/.ready  ## make the environment in .venv

.venv/.ready: pyproject.toml constraints.txt scripts/setup
	@scripts/setup

demo: setup  ## simulate the Andaman Sea, detect, score against the truth, draw the map (in demo-out/)
	@$(BIN)/maritime demo --out demo-out

test: setup  ## run every test
	@$(BIN)/python -m pytest

check: setup  ## format, lint, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup  ## measure speed, memory and accuracy; prints what the docs state
	@$(BIN)/python -m benchmarks

chaos: setup  ## break detectors, brokers and records on a real broker; no alert may be lost or told twice
	@$(BIN)/python -m benchmarks.chaos

soak: setup  ## an hour of live operation with rebalances and a broker restart; report in bench-out/soak.md
	@mkdir -p bench-out
	@$(BIN)/python -m benchmarks.soak --out bench-out/soak.md

clean:  ## remove the environment, caches and outputs
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis demo-out bench-out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
