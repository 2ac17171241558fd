# The two commands of the README, and the steps behind them. Python 3.10 or newer is all they need.

PYTHON ?= python3
VENV ?= .venv
OUT ?= out
GOALS ?= 5
RATE ?=
SEED ?= 1
NOISE ?= model
MODELS ?= build/models

READY := $(VENV)/.ready
BIN := $(VENV)/bin

.PHONY: demo models test lint setup clean help

help:
	@echo 'make demo [MAP=map.yaml | LOG=log.gz] [GOALS=5] [RATE=4] [SEED=1] [OUT=out]'
	@echo '          [NOISE=learned, at RATE=1]'
	@echo '           set up, drive a robot through a building, write a report'
	@echo 'make models [ONLY=line_policy] [MODELS=build/models] [LOGS=folder]'
	@echo '           set up, train the models that ship anew; LOGS for the learned lidar'
	@echo 'make test  set up, then lint, types and all tests'
	@echo 'make setup only create the environment in $(VENV)'
	@echo 'make clean remove the environment and everything made'

$(READY): setup.py pyproject.toml constraints.txt package.xml tools/make_env.py
	$(PYTHON) tools/make_env.py $(VENV)

setup: $(READY)

demo: $(READY)
	$(BIN)/synth-nodes demo --goals $(GOALS) --seed $(SEED) --noise $(NOISE) --out $(OUT) \
	    $(if $(RATE),--rate $(RATE)) $(if $(MAP),--map $(MAP)) $(if $(LOG),--log $(LOG))

models: $(READY)
	$(BIN)/python tools/make_models.py --out $(MODELS) $(if $(ONLY),--only $(ONLY)) \
	    $(if $(LOGS),--logs $(LOGS))

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile -m 'not graph'
	$(BIN)/pytest -n auto --maxprocesses 2 --dist loadfile --reruns 1 -m graph

clean:
	rm -rf $(VENV) $(OUT) build dist log install ./*.egg-info
