"""A share of the damaged frames in every test run; `make fuzz` runs a million."""

from tests.reliability import fuzz


def test_damaged_frames_end_as_a_body_or_as_the_one_error():
    ended, faults, longest = fuzz.share(1, 4000)
    assert faults == []
    assert sum(ended.values()) == 4000
    assert ended["read"] > 2500
    assert longest < fuzz.HANG


def test_a_lis2_header_with_one_delimiter_is_read():
    """Found by the fuzzer: two equal signs and nothing else stood in H-2."""
    from lab_integration import lis2

    assert lis2.parse(b"H|\\\\|||A\rR|1|^^^A|1\rL|1|N\r").records[1].name == "R"
