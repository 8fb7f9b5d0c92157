# What can be done with a checkout. Each target is one line; all they need is Python >= 3.11.
.DEFAULT_GOAL := help
.PHONY: help run test test-slow test-hub-5.5 test-kubernetes images check bench bench-kubernetes docs lock lists format wheel clean
PY := .venv/bin/python
PYTEST = -m pytest -n auto --dist loadfile --no-loadscope-reorder --durations=15 --durations-min=5 -o cache_dir=.pytest_cache/$@
READY := .venv/.ready deploy/local/proxy/node_modules/.ready
BUNDLE := labextension/alongside_lab/labextension/package.json
LAB_SOURCES := $(wildcard labextension/*.json labextension/widget.build.mjs) $(shell find labextension/src labextension/style labextension/schema -type f)

help: ## Say what can be done
	@sed -n 's/^\([a-z0-9.-]*\):.*## /make \1: /p' Makefile

run: $(READY) $(BUNDLE) ## Start a hub on http://127.0.0.1:8000 (PORT), with state in .alongside (ALONGSIDE_HOME)
	@$(PY) deploy/local/run.py

test: $(READY) $(BUNDLE) ## Run all tests but the slow ones (ARGS="-k word" for some, slow or not)
	$(PY) $(PYTEST) $(or $(ARGS),-m "not slow")

test-slow: $(READY) $(BUNDLE) ## Run the slow tests: everything killed at each step, long journeys in a browser
	$(PY) $(PYTEST) -m slow $(ARGS)

test-hub-5.5: .venv-hub-5.5/.ready deploy/local/proxy/node_modules/.ready ## Run the spawner's tests on JupyterHub 5.5
	.venv-hub-5.5/bin/python $(PYTEST) tests/spawners $(ARGS)

test-kubernetes: $(READY) $(BUNDLE) ## Run the tests that need a cluster, on the one of KUBECONFIG (images by IMAGE_LOAD_COMMAND)
	$(if $(IMAGE_LOAD_COMMAND),$(PY) tools/images.py session service hub arkouda-double &&) $(PY) $(PYTEST) tests/kubernetes $(ARGS)

images: .venv/.ready $(BUNDLE) ## Build the container images (ARGS="session" for some; IMAGE_LOAD_COMMAND brings them to a cluster)
	$(PY) tools/images.py $(ARGS)

check: $(READY) $(BUNDLE) ## Check style, types, imports, locks, documentation, licences
	$(PY) tools/check.py $(ARGS)

bench: $(READY) $(BUNDLE) ## Measure, against peers in the same run
	$(PY) -m benchmarks --write docs/reference/benchmarks.txt $(ARGS)

bench-kubernetes: $(READY) $(BUNDLE) ## Measure on the cluster of KUBECONFIG, where its service names resolve
	$(PY) -m benchmarks.kubernetes --write docs/reference/benchmarks-kubernetes.txt $(ARGS)

docs: $(READY) ## Build the documentation into docs/_build
	$(PY) -m sphinx -W --keep-going -b html docs docs/_build/html

lock: $(READY) ## Write the lock files anew (UPGRADE=1: to the newest versions)
	sh tools/lock.sh && $(PY) tools/proxy.py lock && $(PY) tools/lab.py lock

lists: $(READY) labextension/node_modules/.ready ## Write generated files anew (requirements, the API's types)
	$(PY) tools/lab.py types && $(PY) tools/requirements_table.py

format: $(READY) labextension/node_modules/.ready ## Correct what can be corrected
	$(PY) -m ruff check --fix . && $(PY) -m ruff format . && $(PY) tools/lab.py format

wheel: $(READY) $(BUNDLE) ## Build the distribution into dist/
	$(PY) -m hatchling build

clean: ## Remove what was built and installed, but no state
	rm -rf .venv .venv-hub-5.5 dist docs/_build deploy/local/proxy/node_modules labextension/node_modules labextension/lib labextension/alongside_lab/labextension backends/alongside/static

.venv/.ready: requirements/dev.txt requirements/uv.txt pyproject.toml tools/environment.sh tools/pip_settings.py
	@sh tools/environment.sh .venv requirements/dev.txt

.venv-hub-5.5/.ready: requirements/hub-5.5.txt requirements/uv.txt pyproject.toml tools/environment.sh
	@sh tools/environment.sh .venv-hub-5.5 requirements/hub-5.5.txt

deploy/local/proxy/node_modules/.ready: .venv/.ready deploy/local/proxy/package-lock.json
	@$(PY) tools/proxy.py install

labextension/node_modules/.ready: .venv/.ready labextension/package.json labextension/yarn.lock
	@$(PY) tools/lab.py install

$(BUNDLE): labextension/node_modules/.ready $(LAB_SOURCES)
	@$(PY) tools/lab.py bundle
