"""How another process reaches the database of the tests."""

from urllib.parse import quote

from django.db import connection


def database_url(port=None):
    """DATABASE_URL of the test database, perhaps through another port of this machine."""
    parts = connection.settings_dict
    login = quote(parts["USER"]) + (f":{quote(parts['PASSWORD'])}" if parts["PASSWORD"] else "")
    if port:
        return f"postgres://{login}@127.0.0.1:{port}/{parts['NAME']}"
    if parts["HOST"].startswith("/"):
        return f"postgres://{login}@/{parts['NAME']}?host={quote(parts['HOST'])}"
    return f"postgres://{login}@{parts['HOST']}:{parts['PORT'] or 5432}/{parts['NAME']}"
