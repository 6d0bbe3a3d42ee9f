"""Loaded once by the server that forks our processes, so that a new listener is there in milliseconds."""

import django

django.setup()

from lab_integration import dialler, listener, receive, send  # noqa: E402, F401
