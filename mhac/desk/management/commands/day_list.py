import datetime
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from mhac.accounts.models import Access
from mhac.clinics.models import Clinic
from mhac.desk import day_list


class Command(BaseCommand):
    help = "Write the list of a day as PDF (A4), one file for each site: the paper for when the power is away."

    def add_arguments(self, parser):
        parser.add_argument("--site", help="code of the site, KBL; without it every site")
        parser.add_argument("--date", help="the day, 2026-11-22; without it the day it is at the site")
        parser.add_argument("--into", default=".", help="folder for the files")
        parser.add_argument("--language", default="en", help="en, fa-af or ps")

    def handle(self, *, site, date, into, language, **options):
        sites = list(Clinic.objects.filter(code=site) if site else Clinic.objects.all())
        if not sites:
            raise CommandError(f"There is no site {site}. The codes are: {', '.join(_codes())}.")
        folder = Path(into)
        if not folder.is_dir():
            raise CommandError(f"{folder} is no folder. Make it first, readable by whoever prints and nobody else.")
        for clinic in sites:
            day = _day(date) or clinic.today()
            with translation.override(language):
                paper = day_list.pdf(clinic, day)
            path = folder / day_list.file_name(clinic, day)
            path.touch(mode=0o600)
            path.write_bytes(paper)
            about = {"label": clinic._meta.label_lower, "key": str(clinic.pk), "clinic": clinic}
            Access.objects.create(page="day_list", action="print", note=day.isoformat(), **about)
            self.stdout.write(str(path))


def _codes():
    return Clinic.objects.values_list("code", flat=True)


def _day(text):
    try:
        return datetime.date.fromisoformat(text) if text else None
    except ValueError as wrong:
        raise CommandError(f"{text} is no day. Write it as 2026-11-22.") from wrong
