"""Reading, in tables: values, times, headers, escapes, acknowledgements. No database."""

import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_integration import hl7, lis2, observations, values
from lab_integration import profile as profiles
from lab_integration.acknowledgement import acknowledge, unreadable
from lab_integration.values import Sent, Test

KABUL = ZoneInfo("Asia/Kabul")
NOW = datetime.datetime(2026, 9, 15, 12, 0, tzinfo=KABUL)


def settings(**given):
    return profiles.read({"name": "A", "dialect": "hl7", "code_map": [{"code": "X", "test": "t"}], **given}, KABUL)


def sent(text, **given):
    fields = {"whole": text, "text": text, "parts": tuple(text.split("^")), "type": "NM", "unit": "", "flags": ()}
    return Sent(**{**fields, "range": "", "status": "F", **given})


def read(text, kind="numeric", *, unit="", allowed=(), entry=None, profile=None, **given):
    profile = profile or settings()
    given.setdefault("unit", unit)
    line = profiles.read(
        {"name": "A", "dialect": "hl7", "code_map": [{"code": "X", "test": "t", **(entry or {})}]}, KABUL
    )
    return values.read(sent(text, **given), line.code_map[0], Test("t", kind, unit, tuple(allowed)), profile)


@pytest.mark.parametrize(
    "text, operator, number",
    [
        ("5", "", "5"),
        ("0", "", "0"),
        (" 5.10 ", "", "5.10"),
        ("6.6070509", "", "6.6070509"),
        ("3.26E+05", "", "326000"),
        ("1e-3", "", "0.001"),
        ("< 20", "<", "20"),
        ("<0.05", "<", "0.05"),
        ("<=3", "<=", "3"),
        ("≥ 7.5", ">=", "7.5"),
        (">15000.00", ">", "15000"),
    ],
)
def test_numbers_are_read_exactly(text, operator, number):
    found = read(text)
    assert (found.state, found.value.operator, found.value.number) == ("", operator, Decimal(number))


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "empty"),
        ('""', "empty"),
        ("39,5", "decimal_comma"),
        ("1,234.5", "decimal_comma"),
        ("<0,05", "decimal_comma"),
        ("-5", "not_a_number"),
        ("5.", "not_a_number"),
        (".5", "not_a_number"),
        ("5 mg", "not_a_number"),
        ("positive", "not_a_number"),
        ("۵", "not_a_number"),
        ("5^6", "not_a_number"),
        ("1e9999", "not_a_number"),
        ("1E99", "not_a_number"),
        ("0.00000000001", "not_a_number"),
        ("nan", "not_a_number"),
        ("Infinity", "not_a_number"),
    ],
)
def test_what_is_no_number_is_held_and_never_zero(text, reason):
    found = read(text)
    assert (found.state, found.reason, found.value) == ("VALUE_UNREADABLE", reason, None)


@pytest.mark.parametrize(
    "text, failed",
    [
        ("***.**", True),
        ("...", True),
        ("----", True),
        ("--", True),
        ("-", False),
        ("error", True),
        ("Invalid ", True),
        ("NO RESULT", True),
        ("NO RESULTS", False),
        ("CLOT", True),
        ("5", False),
    ],
)
def test_failures_of_a_run(text, failed):
    found = read(text, "text", profile=settings(run_failure_values=["clot"]))
    assert (found.state == "RUN_FAILURE") is failed


def test_status_x_is_a_failure_whatever_the_value():
    assert read("5", status="X").state == "RUN_FAILURE"


@pytest.mark.parametrize(
    "text, comma, number", [("39,5", True, "39.5"), ("39", True, "39"), ("3.9", True, None), ("1,2,3", True, None)]
)
def test_the_comma_of_a_profile(text, comma, number):
    found = read(text, profile=settings(decimal_comma=comma))
    assert (found.value and found.value.number) == (number and Decimal(number))


@given(st.decimals(min_value=0, max_value=10**9, places=6), st.decimals(min_value="0.001", max_value=1000, places=4))
def test_a_factor_multiplies_without_rounding(number, factor):
    found = read(format(number, "f"), entry={"factor": str(factor)})
    assert found.value.number == number * factor


@pytest.mark.parametrize(
    "sent_unit, entry, state, reason",
    [
        ("mg/L", {}, "", ""),
        ("mg/L^mg/L^A400", {}, "", ""),
        ("", {}, "UNIT_UNKNOWN", "unit_missing"),
        ("mg/dL", {}, "UNIT_UNKNOWN", "unit_differs"),
        ("MG/L", {}, "UNIT_UNKNOWN", "unit_differs"),
        ("10^9/L", {"unit": "10^9/L"}, "", ""),
        ("mg/L", {"unit": "10^9/L"}, "UNIT_UNKNOWN", "unit_differs"),
        ("", {"unit": ""}, "", ""),
        ("", {"unit": ["mg/L", ""]}, "", ""),
    ],
)
def test_units_are_equal_or_the_row_is_held(sent_unit, entry, state, reason):
    profile = settings()
    line = profiles.read({"name": "A", "dialect": "hl7", "code_map": [{"code": "X", "test": "t", **entry}]}, KABUL)
    found = values.read(sent("5", unit=sent_unit), line.code_map[0], Test("t", "numeric", "mg/L"), profile)
    assert (found.state, found.reason) == (state, reason)


@pytest.mark.parametrize(
    "text, type_, titre", [("1:16", "ST", 16), ("1/16", "ST", 16), (">1:64", "ST", 64), ("^1^:^16", "SN", 16)]
)
def test_titres(text, type_, titre):
    assert read(text, "titre", type=type_).value.titre == titre
    assert read("16", "titre").reason == "not_a_number"


@pytest.mark.parametrize(
    "text, type_, coded",
    [
        ("Reactive", "ST", "reactive"),
        (" REACTIVE ", "ST", "reactive"),
        ("R^Reactive^99X", "CE", "reactive"),
        ("NR", "ST", "nonreactive"),
        ("NR^", "ST", "nonreactive"),
        ("R^Reactive", "ST", None),
        ("grey zone", "ST", None),
    ],
)
def test_words(text, type_, coded):
    found = read(
        text, "coded", allowed=["reactive", "nonreactive"], entry={"value_map": {"NR": "nonreactive"}}, type=type_
    )
    assert (found.value and found.value.coded) == coded


@pytest.mark.parametrize(
    "flags, range_, number",
    [(("<",), "40.00 to 10000000.00", "40.00"), ((">",), "40-100", "100"), (("<",), "", None), ((), "40-100", None)],
)
def test_off_scale_is_read_from_the_range(flags, range_, number):
    profile = settings(off_scale_from_range=True, qual_quant=True)
    found = read("DETECTED^", profile=profile, flags=flags, range=range_)
    assert (found.value and found.value.number) == (number and Decimal(number))
    assert read("DETECTED^", profile=settings(qual_quant=True), flags=flags, range=range_).value is None


@pytest.mark.parametrize(
    "text, iso",
    [
        ("20260915115800", "2026-09-15T11:58:00+04:30"),
        ("20260915115800+0300", "2026-09-15T11:58:00+03:00"),
        ("20260915115800-0500", "2026-09-15T11:58:00-05:00"),
        ("20260915115800.1234+0000", "2026-09-15T11:58:00+00:00"),
        ("202609151158001234", "2026-09-15T11:58:00+04:30"),
        ("202609151158", "2026-09-15T11:58:00+04:30"),
        ("20260915", "2026-09-15T00:00:00+04:30"),
        ("2026-09-15", "2026-09-15T00:00:00+04:30"),
        ("2026-09-15 11:58:00", "2026-09-15T11:58:00+04:30"),
        ("2026-09-15T11:58:00Z", "2026-09-15T11:58:00+00:00"),
        ("", None),
        ("20261315", None),
        ("yesterday", None),
        ("20260915115800+9900", None),
    ],
)
def test_times_as_analyzers_write_them(text, iso):
    found = observations.moment(text, KABUL)
    assert (found and found.isoformat()) == iso


@pytest.mark.parametrize(
    "sent_at, observed, off",
    [
        ("20260915115001", None, False),
        ("20260915114959", None, True),
        ("20260915121001", None, True),
        ("20260915", None, False),
        ("20070719", None, True),
        ("", None, False),
        ("20260915115800", "2026-09-15T12:10:01+04:30", True),
        ("20260915115800", "2026-08-15T12:00:00+04:30", False),
        ("20260915115800", "2025-09-01T12:00:00+04:30", True),
    ],
)
def test_a_clock_that_is_off(sent_at, observed, off):
    seen = [datetime.datetime.fromisoformat(observed)] if observed else []
    assert observations.clock_is_off(sent_at, seen, KABUL, NOW) is off


# -- headers, segments, character sets --------------------------------------------------------------------------------

HEADER = "MSH|^~\\&|X||||20260915115800||{type}|{number}|{mode}|{version}|||{accept}|{application}\r"


def header(type_="ORU^R01", number="1", mode="P", version="2.3.1", accept="", application=""):
    text = HEADER.format(type=type_, number=number, mode=mode, version=version, accept=accept, application=application)
    return hl7.parse(text.encode())


@pytest.mark.parametrize(
    "accept, application, success, error",
    [
        ("", "", [("AA", "original")], [("AR", "original")]),
        ("0", "2", [("AA", "original")], [("AR", "original")]),
        ("NE", "NE", [("none", "silent")], [("none", "silent")]),
        ("AL", "NE", [("CA", "accept")], [("CR", "accept")]),
        ("SU", "NE", [("CA", "accept")], [("none", "silent")]),
        ("ER", "NE", [("none", "silent")], [("CR", "accept")]),
        ("NE", "AL", [("AA", "application")], [("AR", "application")]),
        ("NE", "SU", [("AA", "application")], [("none", "silent")]),
        ("NE", "ER", [("none", "silent")], [("AR", "application")]),
        ("ER", "AL", [("AA", "application")], [("CR", "accept")]),
        ("AL", "AL", [("CA", "accept"), ("AA", "application")], [("CR", "accept")]),
    ],
)
def test_what_is_answered(accept, application, success, error):
    for type_, wanted in (("ORU^R01", success), ("ADT^A01", error)):
        message = header(type_, accept=accept, application=application)
        replies = acknowledge(message, settings(), NOW, "MH1")
        assert [(reply.ack, reply.mode) for reply in replies] == wanted


def test_an_answer_mirrors_what_it_answers():
    text = "MSH@~&#\\@LAB@X@US@Y@20260915@@ORU~R01~ORU_R01@a&b@P@2.5.1@@@@\r"
    reply = acknowledge(hl7.parse(text.encode()), settings(), NOW, "MH1")[0]
    lines = reply.body.decode().split("\r")
    assert lines[0].startswith("MSH@~&#\\@US@Y@LAB@X@")
    assert "@ACK~R01~ACK@MH1@P@2.5.1@" in lines[0]
    assert lines[1] == "MSA@AA@a&b"
    assert reply.body.endswith(b"\r")


@pytest.mark.parametrize("version, where", [("2.3.1", "MSA|AR|1|"), ("2,3,1", "MSA|AR|1|"), ("2.5.1", "ERR|||200|E")])
def test_an_error_stands_where_the_version_has_it(version, where):
    reply = acknowledge(header("ADT^A01", version=version), settings(), NOW, "MH1")[0]
    assert where in reply.body.decode()
    assert "ADT" in reply.body.decode()


def test_an_answer_to_ours_is_not_answered():
    text = "MSH|^~\\&|X||||||ACK^O33|9|P|2.5.1\rMSA|AA|MH0197AMEDMK52UIL1\r"
    assert acknowledge(hl7.parse(text.encode()), settings(), NOW, "MH1")[0].ack == "none"
    text = text.replace("MH0197AMEDMK52UIL1", "77")
    assert acknowledge(hl7.parse(text.encode()), settings(), NOW, "MH1")[0].ack == "AA"


def test_a_body_without_header_is_refused_in_our_own_words():
    reply = unreadable(NOW, "MH1", "There is no MSH segment.")
    assert (reply.ack, reply.mode, reply.msa2, reply.fault.code) == ("AR", "original", "", 100)
    assert reply.body.startswith(b"MSH|^~\\&|")


@pytest.mark.parametrize(
    "text, odd",
    [
        ("MSH|^~\\&|X||||20260915||ORU^R01|1|P|2.3.1\r", set()),
        ("MSH|^~|X||||20260915||ORU^R01|1|P|2.3.1\r", {"msh_odd"}),
        ("MSH|^~\\&#|X||||20260915||ORU^R01|1|P|2.7\r", set()),
        ("MSH|^~\\&|X||||20260915||ORU|1|P|2.3.1\r", {"msh_odd"}),
        ("MSH|^~\\&|X||||20260915||ORU^R01||P|2.3.1\r", {"msh_odd"}),
        ("MSH|^~\\&|X||||20260915||ORU^R01|1|P|2,3,1\r", {"msh_odd"}),
        ("MSH|^~\\&|X||||20260915||ORU^R01|1|P|\r", {"msh_odd"}),
        ("MSH|^~\\&|X||||20260915||ORU^R01|1|P|2.3.1\n", {"line_ends"}),
        ("MSH|^~\\&|X||||20260915||ORU^R01|1|P|2.3.1", {"no_final_cr"}),
        ("\ufeffMSH|^~\\&|X||||20260915||ORU^R01|1|P|2.3.1\r", {"bytes_before_msh"}),
        ("FHS|^~\\&\rMSH|^~\\&|X||||20260915||ORU^R01|1|P|2.3.1\rFTS|1\r", {"batch"}),
    ],
)
def test_what_is_odd_about_a_message(text, odd):
    assert hl7.parse(text.encode()).odd == odd


@pytest.mark.parametrize("body", [b"", b"HELLO", b"MS|x", b"\xff\xfe\x00", b"PID|1\r", b"MSHX|"])
def test_what_is_no_message(body):
    with pytest.raises(hl7.Unreadable, match="no MSH"):
        hl7.parse(body)


def test_a_line_that_begins_no_segment_is_the_rest_of_the_value_before_it():
    message = hl7.parse(b"MSH|^~\\&|X\rOBX|1|TX|C||first line\nsecond line||||||F\rNTE|1\r")
    assert [segment.name for segment in message.segments] == ["MSH", "OBX", "NTE"]
    assert message.segments[1].raw(5) == "first line\nsecond line"
    assert message.segments[1].raw(11) == "F"


@given(st.binary(max_size=200), st.integers(0, 3))
def test_messages_of_a_batch_joined_are_the_body(noise, count):
    body = noise + b"".join(b"\rMSH|^~\\&|%d\rPID|1\r" % n for n in range(count)) + noise
    assert b"".join(hl7.split(body)) == body
    assert b"".join(lis2.split(body)) == body


@given(st.binary(max_size=400))
def test_any_bytes_are_a_message_or_unreadable(noise):
    for body in (noise, b"MSH|^~\\&|X||||||ORU^R01|1|P|2.3.1\r" + noise):
        try:
            message = hl7.parse(body)
        except hl7.Unreadable:
            continue
        found = observations.read_results(message, settings(), NOW)
        assert len(found.rows) == sum(segment.name == "OBX" for segment in message.segments)
        acknowledge(message, settings(), NOW, "MH1")
    for body in (noise, b"H|\\^&|\r" + noise):
        try:
            session = lis2.parse(body)
        except hl7.Unreadable:
            continue
        astm = profiles.read({"name": "A", "dialect": "astm", "code_map": []}, KABUL)
        lis2.read_results(session, astm, NOW)


@pytest.mark.parametrize(
    "declared, text, raw, codec, guessed",
    [
        ("", "زهرا", "زهرا".encode(), "utf-8", False),
        ("ASCII", "زهرا", "زهرا".encode(), "utf-8", False),
        ("UNICODE", "é", "é".encode(), "utf-8", False),
        ("8859/1", "é", b"\xe9", "iso8859-1", False),
        ("8859/1", "زهرا", "زهرا".encode(), "utf-8", False),
        ("", "é", b"\xe9", "cp1252", True),
        ("", "\x81", b"\x81", "cp1252", True),
        ("KLINGON", "é", b"\xe9", "cp1252", True),
    ],
)
def test_character_sets(declared, text, raw, codec, guessed):
    body = b"MSH|^~\\&|X||||||ORU^R01|1|P|2.5||||||" + declared.encode() + b"\rPID|1||||" + raw + b"\r"
    message = hl7.parse(body)
    assert (message.segments[1].raw(5), message.charset) == (text, codec)
    assert ("charset_guessed" in message.odd) is guessed


@given(st.binary(max_size=300))
def test_no_byte_is_replaced_or_dropped(body):
    text, codec, _guessed = hl7.decode(body)
    assert hl7.encode(text, codec) == body


@pytest.mark.parametrize(
    "raw, text",
    [
        ("A \\T\\ B", "A & B"),
        ("a\\F\\b\\S\\c\\R\\d\\E\\e", "a|b^c~d\\e"),
        ("5 \\Z03BC\\g", "5 μg"),
        ("\\Z99\\", "\\Z99\\"),
        ("\\ZD800\\", "\\ZD800\\"),
        ("one\\.br\\two", "one\ntwo"),
        ("\\X4142\\", "AB"),
        ("\\X00\\", "\\X00\\"),
        ("\\H\\bold\\N\\", "bold"),
        ("C:\\dir", "C:\\dir"),
    ],
)
def test_escapes(raw, text):
    assert hl7.unescape(raw, hl7.Delimiters()) == text


@given(st.text(max_size=60))
def test_what_we_write_makes_no_new_segment_and_reads_back(text):
    marks = hl7.Delimiters()
    written = hl7.escape(text, marks)
    assert not set(written) & set("|^~&\r\n\x0b\x1c\x00")
    kept = "".join(sign for sign in text if sign not in "\x00\x0b\x1c")
    assert hl7.unescape(written, marks) == kept


# -- groups: which specimen, person and order a row belongs to --------------------------------------------------------


def rows(text, **given):
    message = hl7.parse(("MSH|^~\\&|X||||20260915115800||OUL^R22^OUL_R22|1|P|2.5.1\r" + text).encode())
    return observations.read_results(message, settings(**given), NOW).rows


def test_a_specimen_before_its_orders():
    text = "SPM|1|A&BARCODE\rOBR|1\rOBX|1|NM|X||1\rSPM|2|B\rSAC|||C\rOBR|1\rOBX|1|NM|X||2\r"
    assert [row.specimen_id for row in rows(text)] == ["A", "B"]


def test_a_specimen_after_its_rows():
    text = "OBR|1\rOBX|1|NM|X||1\rSPM|1|A\rOBR|2\rOBX|1|NM|X||2\rSPM|1|B\r"
    assert [row.specimen_id for row in rows(text)] == ["A", "B"]


def test_two_specimens_in_one_group_belong_to_nobody():
    assert [row.specimen_id for row in rows("OBR|1\rOBX|1|NM|X||1\rSPM|1|A\rSPM|2|B\r")] == [""]


def test_a_new_person_takes_nothing_from_the_last_one():
    text = "PID|1||||A^B||19940302|F\rSPM|1|A\rOBR|1\rOBX|1|NM|X||1\rPID|2\rOBR|1\rOBX|1|NM|X||2\r"
    one, two = rows(text)
    assert (one.identity.sex, one.identity.initials) == ("F", "BA")
    assert (two.specimen_id, two.identity.sex, two.identity.birth_date) == ("", "", None)


@pytest.mark.parametrize(
    "clean, sent_id, found",
    [
        ({}, "  KBL1 ", "KBL1"),
        ({"cut_at": "-"}, "KBL1-2", "KBL1"),
        ({"upper": True}, "kbl1", "KBL1"),
        ({"strip_zeros": True}, "00042", "42"),
        ({"pad_to": 6}, "42", "000042"),
        ({"pad_to": 6}, "", ""),
    ],
)
def test_ids_are_cleaned_as_the_profile_says(clean, sent_id, found):
    assert rows(f"SPM|1|{sent_id}\rOBR|1\rOBX|1|NM|X||1\r", specimen_id=clean)[0].specimen_id == found


@pytest.mark.parametrize(
    "person, found",
    [
        ("PID|1||||Ahmadi^Zahra||19940302|F", (datetime.date(1994, 3, 2), "F", "ZA")),
        ("PID|1||||Ahmadi^Zahra||19940302145307|female", (datetime.date(1994, 3, 2), "F", "ZA")),
        ("PID|1||||^^^^^^U|||U", (None, "", "")),
        ("PID|1||||Zahra||00000000|X", (None, "", "")),
        ("PID|1||||احمدی^زهرا||1994|M", (None, "M", "")),
        ("PID|1", (None, "", "")),
    ],
)
def test_what_is_stated_of_a_person(person, found):
    identity = rows(f"{person}\rSPM|1|A\rOBR|1\rOBX|1|NM|X||1\r")[0].identity
    assert (identity.birth_date, identity.sex, identity.initials) == found


def test_quality_control_marked_in_several_ways():
    for text in ("SPM|1|A|||||||||Q\r", "SPM|1|A|||||||||V\r", "SPM|1|QC-1\r"):
        assert rows(f"{text}OBR|1\rOBX|1|NM|X||1\r", qc={"specimen_pattern": "^QC-"})[0].settled == "QC"
    assert rows("SPM|1|A|||||||||C\rOBR|1\rOBX|1|NM|X||1\r")[0].settled == "CALIBRATION"
    assert rows("SPM|1|A|||||||||Q\rOBR|1\rOBX|1|NM|X||1\r", qc={"ignore_spm11": True})[0].settled == ""
    assert rows("SPM|1|A\rOBR|1\rOBX|1|NM|X||1\r")[0].settled == ""


def test_lis2_control_by_order_or_header():
    astm = profiles.read({"name": "A", "dialect": "astm", "code_map": []}, KABUL)
    for text in ("H|\\^&|||A\rO|1|X|||||||||Q\rR|1|^^^A|1\r", "H|\\^&|||A|||||||Q|1\rO|1|X\rR|1|^^^A|1\r"):
        assert lis2.read_results(lis2.parse(text.encode()), astm, NOW).rows[0].settled == "QC"


def test_our_reader_agrees_with_hl7apy_where_that_reads():
    """The same segments and the same fields, for every capture that hl7apy takes without groups."""
    from pathlib import Path

    from hl7apy.consts import VALIDATION_LEVEL
    from hl7apy.exceptions import HL7apyException
    from hl7apy.parser import parse_message

    compared = 0
    for path in sorted((Path(__file__).parent / "captures").rglob("*.hl7"))[::4]:
        text = path.read_bytes().decode("utf-8", "strict")
        if text.count("MSH|") != 1 or not text.startswith("MSH|"):
            continue
        try:
            theirs = parse_message(text, find_groups=False, validation_level=VALIDATION_LEVEL.TOLERANT)
        except (HL7apyException, KeyError, ValueError, IndexError):
            continue
        ours = hl7.parse(path.read_bytes())
        assert [one.name for one in theirs.children] == [one.name for one in ours.segments], path
        for one, other in zip(theirs.children, ours.segments, strict=True):
            if one.name != "MSH" and str(one.to_er7()).rstrip("|") == "|".join(other.fields).rstrip("|"):
                compared += 1
    assert compared > 100
