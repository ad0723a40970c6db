# All commands set up .venv by themselves, from nothing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test quick test-gpu lint bench messages dist try-dist docs docs-serve docs-messages playground clean

demo: $(READY)
	$(BIN)/yolosses demo

# All but the tests of the documentation, which `make docs` runs.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal --ignore tests/docs

# Under two minutes on two cores: the losses and what they are made of, without what tests/conftest.py calls slow.
quick: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal -m "not slow"

# On a machine with a GPU, with the Python whose torch knows it: what the interpreter cannot tell.
test-gpu:
	TRITON_INTERPRET=0 PYTHONPATH=src $(PYTHON) -m pytest tests/kernels/test_on_gpu.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The wheel and the sdist, as they are uploaded, with the page of the playground; the version is that of git's newest tag.
dist: $(READY) playground
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*

# What people install, in new environments: the wheel alone, each extra alone, tests from the sdist. Some minutes.
try-dist: dist
	$(PYTHON) release/try_wheel.py
	$(PYTHON) release/try_sdist.py

# The site in both languages, a warning is an error; and its pages looked at in a browser.
docs: $(READY)
	$(BIN)/python docs/build/website.py
	YOLOSSES_SITE=docs/_build/html OMP_NUM_THREADS=1 $(BIN)/pytest tests/docs -n auto --dist worksteal

docs-serve:
	$(BIN)/python -m http.server --directory docs/_build/html --bind 127.0.0.1 8000

# The sentences of docs/reference into the catalogue of translators, and which are not translated.
docs-messages: $(READY)
	$(BIN)/python docs/build/website.py --messages
	$(BIN)/python docs/build/untranslated.py

# The messages of code and templates into the catalogues of translators; src/yolosses/locale/README.md tells more.
LOCALE := src/yolosses/locale
messages: $(READY)
	$(BIN)/pybabel --quiet extract --mapping messages.cfg --add-location file --sort-output --width 1000 \
	  --output $(LOCALE)/yolosses.pot src/yolosses
	for catalogue in $(LOCALE)/*/; do $(BIN)/pybabel --quiet update --domain yolosses --ignore-obsolete --no-fuzzy-matching \
	  --ignore-pot-creation-date --width 1000 --input-file $(LOCALE)/yolosses.pot --output-dir $(LOCALE) \
	  --locale $$(basename $$catalogue); done
	# pybabel's own command takes the % of "95 % intervals" for a placeholder, and fails.
	$(BIN)/python -c "from yolosses.language import *; [po.with_suffix('.mo').write_bytes(compile_catalogue(po)) for po in LOCALE.glob('*/*/*.po')]"

# Some minutes on a machine that does nothing else; writes benchmarks/results/*.json and docs/reference/performance.md.
bench: $(READY)
	$(BIN)/python benchmarks/step_time.py
	$(BIN)/python benchmarks/scaling.py
	$(BIN)/python benchmarks/step_share.py
	$(BIN)/python benchmarks/images_per_second.py
	$(BIN)/python benchmarks/import_time.py

# The page in playground/dist. Needs node 20 or newer; the graphs are written again when the library's code changes.
playground: playground/graphs/.written
	cd playground && npm ci --no-audit --no-fund && npm run check && npm test && npm run build

GRAPHS_OF := $(shell find src/yolosses -name '*.py' $(foreach room,apps lessons studies training explain,-not -path '*/$(room)/*'))
playground/graphs/.written: $(READY) $(GRAPHS_OF) src/yolosses/lessons/faulty_graphs.py src/yolosses/lessons/exercises/faulty.py src/yolosses/lessons/exercises/find_the_bug.py
	OMP_NUM_THREADS=1 $(BIN)/python -m yolosses.export playground playground/graphs 2
	OMP_NUM_THREADS=1 $(BIN)/python -m yolosses.lessons.faulty_graphs playground/graphs
	touch $@

$(READY): pyproject.toml constraints/ci.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints/ci.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) dist docs/_build .mypy_cache .numba_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
