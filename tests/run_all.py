"""Every check of the house, then every test, then one line that says how it went. `make test` calls this.

All checks run even when one fails, so that one run tells everything; the exit status is 0 only when all passed.
"""

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
MANAGE = (PYTHON, "manage.py")

LINT = [
    ("ruff check", (PYTHON, "-m", "ruff", "check", ".")),
    ("ruff format", (PYTHON, "-m", "ruff", "format", "--check", ".")),
    ("djlint", (PYTHON, "-m", "djlint", "--lint", "--quiet", "templates")),
    ("mypy", (PYTHON, "-m", "mypy")),
]
DJANGO = [
    ("migrations", (*MANAGE, "makemigrations", "--check", "--dry-run")),
    ("deployment", (*MANAGE, "check", "--deploy", "--fail-level", "WARNING")),
    # Hashed names of static files are looked up in what this writes, in the tests as in service.
    ("static files", (*MANAGE, "collectstatic", "--noinput", "--verbosity", "0")),
]
TESTS = ("pytest", (PYTHON, "-m", "pytest", "-n", "2"))


def environment() -> dict[str, str]:
    """Settings as in service (no DEBUG, https), with a secret of this run alone."""
    service = {"SECRET_KEY": secrets.token_urlsafe(64), "PYTHONWARNINGS": "default"}
    unset = {"DEBUG", "MHAC_HTTPS", "MHAC_TRAINING", "MHAC_PUBLIC_URL", "ALLOWED_HOSTS"}
    return {key: value for key, value in os.environ.items() if key not in unset} | service


def passes(name: str, command: tuple[str, ...], env: dict[str, str]) -> bool:
    print(f"== {name}", flush=True)
    status = subprocess.run(command, cwd=CHECKOUT, env=env, check=False).returncode
    if status:
        print(f"== {name} failed (status {status}): {' '.join(command[1:])}", flush=True)
    return status == 0


def main(arguments: list[str]) -> int:
    begun = time.monotonic()
    target, checks = ("lint", LINT) if "--lint" in arguments else ("test", [*LINT, *DJANGO, TESTS])
    env = environment()
    # The tests speak to the clinic on this machine, where there is no https to redirect to.
    plain = env | {"MHAC_HTTPS": "0"}
    failed = [name for name, command in checks if not passes(name, command, plain if name == "pytest" else env)]
    seconds = round(time.monotonic() - begun)
    verdict = f"FAILED: {', '.join(failed)}" if failed else "all passed"
    print(f"make {target}: {len(checks)} checks, {verdict} ({seconds} s)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
