#!/usr/bin/env python
"""Django's command line for the clinic system."""

import os
import sys


def main() -> None:
    if sys.argv[1:2] == ["assess"] and not {"SECRET_KEY", "DATABASE_URL"} <= os.environ.keys():
        # The rules need neither a secret nor a database, so this command also answers on a bare machine.
        from mhac.protocols.__main__ import main as assess

        folders = [folder for folder in os.environ.get("MHAC_PROGRAMMES", "").split(os.pathsep) if folder]
        sys.exit(assess([*sys.argv[2:], *folders]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mhac.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
