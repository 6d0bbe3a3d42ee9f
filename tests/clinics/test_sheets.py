import pytest

from mhac.clinics import sheets


@pytest.mark.parametrize("dangerous", ["=1+1", "+1", "-1", "@SUM(A1)", "|cmd", "\u00a0=1", "\u200e=1", "＝1", "\t=1"])
def test_what_a_spreadsheet_would_calculate_stays_text(dangerous):
    assert sheets.cell(dangerous) == f"'{dangerous}"


@pytest.mark.parametrize("plain", ["Testi", "گل آغا", "12.00", "", "a=b", "2026-11-22"])
def test_everything_else_stays_as_it_is(plain):
    assert sheets.cell(plain) == plain


def test_a_file_that_a_spreadsheet_reads():
    assert sheets.csv_of(["a"], [[None], ['"=1'], [3]]) == b'\xef\xbb\xbf"a"\r\n""\r\n"""=1"\r\n"3"\r\n'
