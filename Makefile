# make run    the clinic with invented people on http://127.0.0.1:8000 (PORT=8001 make run for another port)
# make test   every check and every test
# Both bring what they need: libraries, Debian packages, a PostgreSQL. `make help` lists the rest.

PYTHON ?= python3
IN_VENV := .venv/bin/python
WITH_SECRETS := $(IN_VENV) -m mhac.machine with-secrets --
WITH_DATABASE := $(WITH_SECRETS) $(IN_VENV) -m mhac.database run --
LOCK := $(IN_VENV) -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header --no-config \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

.PHONY: run test corpus bench-lab bench-lists bench-search fuzz kill robot forms rush manage lint locale lock clean help

run:
	@$(PYTHON) -m mhac.machine prepare run
	@$(WITH_DATABASE) $(IN_VENV) manage.py run_clinic

test:
	@$(PYTHON) -m mhac.machine prepare test
	@$(IN_VENV) -m mhac.database run --test -- $(IN_VENV) tests/run_all.py

# A folder of captured laboratory messages, read as the wire would read them: make corpus DIR=captures
corpus:
	@$(PYTHON) -m mhac.machine prepare run
	@$(WITH_DATABASE) $(IN_VENV) manage.py corpus $(DIR)

# The laboratory's wire: how fast beside other servers; damaged frames; ended by force under load. Each prints figures.
bench-lab:
	@$(PYTHON) -m mhac.machine prepare test
	@$(IN_VENV) -m tests.bench.lab

# What the lists of the front desk ask of the database at 10, 1,000 and 100,000 rows.
bench-lists:
	@$(PYTHON) -m mhac.machine prepare test
	@$(IN_VENV) -m tests.bench.bench_lists

# The search for people among 10,000 and among a million: p95 of both, and how many times the one is the other.
bench-search:
	@$(PYTHON) -m mhac.machine prepare test
	@$(IN_VENV) -m tests.bench.bench_search

fuzz:
	@$(PYTHON) -m mhac.machine prepare test
	@$(IN_VENV) -m tests.reliability.fuzz 1000000 --socket 20000 --processes 2

kill:
	@$(PYTHON) -m mhac.machine prepare test
	@$(IN_VENV) -m tests.reliability.kills 200 --database 20

# Fifty clients book families at two hundred times at once, on a database of its own; the books are balanced afterwards.
rush:
	@$(PYTHON) -m mhac.machine prepare test
	@$(IN_VENV) -m tests.bench.rush $(or $(N),5000)

# Typing that is interrupted sixty times; every form of the house sent twice and twice at once. Each prints figures.
robot:
	@$(PYTHON) -m mhac.machine prepare test
	@$(IN_VENV) -m mhac.database run --test -- env ROBOT=60 $(IN_VENV) -m pytest -q -s tests/reliability/test_robot.py

forms:
	@$(PYTHON) -m mhac.machine prepare test
	@$(IN_VENV) -m mhac.database run --test -- env EVERY_FORM=1 $(IN_VENV) -m pytest -q -s tests/reliability/test_every_form.py

# Any of Django's commands with the run's database: make manage DO="createsuperuser"
manage:
	@$(PYTHON) -m mhac.machine prepare run
	@$(WITH_DATABASE) $(IN_VENV) manage.py $(DO)

lint:
	@$(PYTHON) -m mhac.machine prepare test
	@$(IN_VENV) tests/run_all.py --lint

# Needs gettext (Debian: apt-get install gettext); the compiled files are committed, so nobody else does.
locale:
	@$(WITH_DATABASE) $(IN_VENV) manage.py makemessages -l fa_AF -l ps --no-wrap --no-location --ignore .venv --ignore .data
	@$(WITH_DATABASE) $(IN_VENV) manage.py compilemessages --ignore .venv --ignore .data

lock:
	@$(PYTHON) -m mhac.machine prepare test
	@$(LOCK) -o requirements.lock requirements.in
	@$(LOCK) -o requirements-dev.lock requirements-dev.in

# What can be made again. The data stay: `python3 -m mhac.database remove --yes` and .data are for your own hand.
clean:
	rm -rf .venv staticfiles .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -prune -exec rm -rf {} +

help:
	@sed -n '1,3p' Makefile; grep -oE '^[a-z-]+:' Makefile | tr -d ':' | xargs echo 'Targets:'
