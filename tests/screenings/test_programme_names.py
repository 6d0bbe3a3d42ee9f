"""Programme names are data of the editions; every one the package brings is known to the translators."""

import pytest
from django.utils import translation

from mhac.screenings.programmes import NAMES, programmes, title


def test_every_programme_of_the_package_can_be_translated():
    names = {edition.name for key in programmes() for edition in programmes().editions(key)}
    assert names == set(NAMES)


@pytest.mark.parametrize("language", ["fa-af", "ps"])
def test_every_name_is_said_in_the_reader_s_language(language):
    for key in programmes():
        edition = programmes().editions(key)[-1]
        with translation.override(language):
            assert title(edition) != edition.name
