"""The programmes this clinic works with: the package's editions and those of its own folders."""

from functools import cache

from django.conf import settings

from mhac.protocols.programme import Programmes, read_programmes


@cache
def programmes() -> Programmes:
    return read_programmes(settings.PROGRAMME_FOLDERS)
