from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

from mhac.accounts import roles

HEAD = """# Roles

Made from `mhac/accounts/roles.py` by `python manage.py write_roles_page`. r read · c create · u update ·
s sign or verify · x export or print · 2 a second person · ! signs in afresh. All at the own site unless N (network).

"""


def page() -> str:
    """The table of roles as Markdown: objects down, roles across."""
    codes = [*roles.ROLES, *sorted(roles.WITHOUT_GROUP)]
    lines = [f"| object | {' | '.join(codes)} |", f"|{' --- |' * (len(codes) + 1)}"]
    for thing, cells in roles.TABLE.items():
        lines.append(f"| {thing} | {' | '.join(cells.get(code, '–') for code in codes)} |")
    names = "\n".join(f"- **{code}** {name}" for code, name in roles.ROLES.items())
    return (
        f"{HEAD}{names}\n- **ANON** a visitor of the verify page\n- **MACH** an analyzer\n\n" + "\n".join(lines) + "\n"
    )


class Command(BaseCommand):
    help = "Write docs/roles.md from the table of roles."

    def handle(self, **options):
        Path(settings.BASE_DIR, "docs", "roles.md").write_text(page(), encoding="utf-8")
