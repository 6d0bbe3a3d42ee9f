"""Ten of the kills in every test run; `make kill` runs two hundred."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = pytest.mark.slow


def test_nothing_acknowledged_is_lost_and_nothing_filed_twice_whoever_is_killed():
    words = [sys.executable, "-m", "tests.reliability.kills", "10", "--database", "1", "--seed", "3"]
    done = subprocess.run(words, cwd=settings.BASE_DIR, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lost 0, stored twice 0, torn 0, filed twice 0" in done.stdout
