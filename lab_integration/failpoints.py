"""Points at which the tests cut the power: FAIL_AT names one of after_read, before_store, after_commit, before_ack and
before_process, and this process ends there by force. Without FAIL_AT there are none.
"""

import os
import signal
from collections.abc import Callable

from django.conf import settings


def _die_at(name: str) -> None:
    if name == settings.FAIL_AT:
        os.kill(os.getpid(), signal.SIGKILL)


def _go_on(name: str) -> None:
    return


fail_point: Callable[[str], None] = _die_at if settings.FAIL_AT else _go_on
