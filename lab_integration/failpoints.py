"""Points at which the tests cut the power: where a process meets the one that FAIL_AT names, it ends there by force.

after_read, before_store, after_commit, before_ack (listener); before_process, between_lines, before_filed, after_filed
(reading); before_sent, after_sent (orders). In service FAIL_AT is empty and nothing has that name.
"""

import os
import signal

from django.conf import settings


def fail_point(name: str) -> None:
    if name == settings.FAIL_AT:
        os.kill(os.getpid(), signal.SIGKILL)
