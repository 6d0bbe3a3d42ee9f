"""The commands of the wire as processes that can be killed and are there again at once."""

import multiprocessing
import os
import socket
import time
from pathlib import Path

METHOD = multiprocessing.get_context("forkserver")
METHOD.set_forkserver_preload(["tests.reliability.ready"])
LISTEN, WORK = "listen", "work_lab"


def _command(fail_at, options, name):
    """In the new process: the command, which may end itself at a fail-point."""
    import logging

    from django.conf import settings
    from django.core.management import call_command

    logging.disable(logging.WARNING)
    settings.FAIL_AT = fail_at
    with Path(os.devnull).open("w") as nothing:
        call_command(name, stdout=nothing, stderr=nothing, **options)


def start(name, *, fail_at="", **options):
    process = METHOD.Process(target=_command, args=(fail_at, options, name), daemon=True)
    process.start()
    return process


def listener(port, **more):
    return start(LISTEN, hl7_port=port, astm_port=free_port(), **more)


def worker(**more):
    return start(WORK, **more)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(check, seconds=30.0, step=0.01):
    """What `check` returns once it is true; TimeoutError after `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := check():
            return found
        time.sleep(step)
    raise TimeoutError(f"nothing came of it within {seconds} seconds")


def reaches(port):
    """Whether somebody accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
