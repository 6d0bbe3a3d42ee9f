"""What is answered to what: every row of the acknowledgement tables; and that what we send is HL7 by hl7apy's reading."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Message as Structure
from hl7apy.exceptions import HL7apyException, ParserError, UnsupportedVersion
from hl7apy.parser import parse_message, parse_segment

from lab_integration import hl7, lis2, orders, profile, queries
from lab_integration.acknowledgement import acknowledge
from lab_integration.orders import CANCEL, NOTHING, SpecimenOrder, Step, oml_o33

NOW = datetime.datetime(2026, 9, 15, 12, 0, tzinfo=ZoneInfo("Asia/Kabul"))
MINDRAY = {"msh16": "sample_type"}


def settings(**given):
    return profile.read({"name": "x", "dialect": "hl7", "code_map": [], **given}, ZoneInfo("Asia/Kabul"))


def message(accept="", application="", *, type_="ORU^R01", version="2.5.1", pid="P", head="MSH|^~\\&|"):
    mark, component = head[3], head[4]
    type_ = type_.replace("^", component)
    fields = ["A", "B", "C", "D", "20260915", "", type_, "77", pid, version, "", "", accept, application]
    return hl7.parse((head[: head.index(mark, 4) + 1] + mark.join(fields) + "\r").encode())


def words(replies):
    return [reply.ack for reply in replies]


GOOD = [
    ("", "", ["AA"]),
    ("NE", "NE", ["none"]),
    ("AL", "NE", ["CA"]),
    ("SU", "NE", ["CA"]),
    ("ER", "NE", ["none"]),
    ("NE", "AL", ["AA"]),
    ("NE", "SU", ["AA"]),
    ("NE", "ER", ["none"]),
    ("AL", "AL", ["CA", "AA"]),
    ("SU", "SU", ["CA", "AA"]),
    ("ER", "AL", ["AA"]),
    ("AL", "ER", ["CA"]),
    ("ER", "ER", ["none"]),
    ("al", "ne", ["CA"]),
    ("0", "0", ["AA"]),
    ("", "AL", ["AA"]),
    ("AL", "", ["CA"]),
]
REFUSED = [
    ("", "", ["AR"]),
    ("NE", "NE", ["none"]),
    ("AL", "NE", ["CR"]),
    ("ER", "NE", ["CR"]),
    ("SU", "NE", ["none"]),
    ("NE", "AL", ["AR"]),
    ("NE", "ER", ["AR"]),
    ("NE", "SU", ["none"]),
    ("AL", "AL", ["CR"]),
    ("ER", "ER", ["CR"]),
    ("SU", "AL", ["AR"]),
]


@pytest.mark.parametrize("accept, application, answers", GOOD)
def test_what_is_stored_is_acknowledged_as_it_was_asked_for(accept, application, answers):
    assert words(acknowledge(message(accept, application), settings(), NOW, "MH1")) == answers


@pytest.mark.parametrize("accept, application, answers", REFUSED)
def test_a_type_that_is_not_taken_is_refused_as_it_was_asked_for(accept, application, answers):
    replies = acknowledge(message(accept, application, type_="EAC^U07"), settings(), NOW, "MH1")
    assert words(replies) == answers
    assert all(reply.fault.code == 200 for reply in replies if reply.ack != "none")


@pytest.mark.parametrize(
    "given, accept, application, answers",
    [
        (MINDRAY, "", "0", ["AA"]),
        (MINDRAY, "", "1", ["AA"]),
        (MINDRAY, "", "2", ["AA"]),
        (MINDRAY, "", "AL", ["AA"]),
        ({}, "AL", "NE", ["CA"]),  # GeneXpert
        ({}, "ER", "AL", ["AA"]),  # Biosystems
        ({"ack": "original"}, "AL", "AL", ["AA"]),
        ({"ack": "accept"}, "", "", ["CA"]),
        ({"ack": "accept"}, "NE", "NE", ["CA"]),
    ],
)
def test_what_a_profile_says_goes_before_the_header(given, accept, application, answers):
    assert words(acknowledge(message(accept, application), settings(**given), NOW, "MH1")) == answers


@pytest.mark.parametrize("pid, code", [("P", None), ("Q", None), ("", None), ("T", 202), ("D", 202), ("P^T", None)])
def test_the_processing_id_decides(pid, code):
    fault = acknowledge(message(pid=pid), settings(), NOW, "MH1")[0].fault
    assert (fault and fault.code) == code


@pytest.mark.parametrize("version", ["2.3.1", "2.4", "2,3,1", "2.4^^"])
def test_before_2_5_the_error_stands_in_msa(version):
    body = acknowledge(message(type_="EAC^U07", version=version), settings(), NOW, "MH1")[0].body
    rows = body.decode().split("\r")
    assert rows[1].startswith("MSA|AR|77|Messages of type EAC\\S\\U07")
    assert rows[1].split("|")[6] == "200"
    assert not any(row.startswith("ERR") for row in rows)


@pytest.mark.parametrize("version", ["2.5", "2.5.1", "2.6", "2.7", "2.8.2", "", "3"])
def test_from_2_5_on_it_stands_in_err(version):
    rows = acknowledge(message(type_="EAC^U07", version=version), settings(), NOW, "MH1")[0].body.decode().split("\r")
    assert rows[1] == "MSA|AR|77"
    assert rows[2].split("|")[3:5] == ["200", "E"]


@pytest.mark.parametrize("head", ["MSH|^~\\&|", "MSH@^~\\&@", "MSH#^~\\&#", "MSH|@~\\&|", "MSH|^~|", "MSH|^~\\&#|"])
def test_the_answer_is_written_as_the_message_was(head):
    answer = acknowledge(message(head=head, type_="ORU^R01^ORU_R01"), settings(), NOW, "MH1")[0].body.decode()
    mark, component = head[3], head[4]
    header, said, end = answer.split("\r")
    assert end == ""
    assert header.startswith(head)
    fields = header.split(mark)
    assert fields[2:6] == ["C", "D", "A", "B"]
    assert fields[8] == component.join(("ACK", "R01", "ACK"))
    assert (fields[9], fields[10], fields[11]) == ("MH1", "P", "2.5.1")
    assert said == mark.join(("MSA", "AA", "77"))


@pytest.mark.parametrize("kind", ["0", "1", "2"])
def test_mindray_chemistry_gets_its_kind_and_its_status_back(kind):
    body = acknowledge(message("", kind, version="2.3.1"), settings(**MINDRAY), NOW, "MH1")[0].body.decode()
    header, said, _end = body.split("\r")
    assert header.split("|")[15] == kind
    assert said == "MSA|AA|77|Message accepted|||0"


@pytest.mark.parametrize(
    "event", ["ORU^R30", "ORU^R32", "OUL^R21", "OUL^R22", "OUL^R23", "OUL^R24", "NMD^N02", "TCU^U10"]
)
def test_the_event_is_mirrored(event):
    reply = acknowledge(message(type_=event), settings(), NOW, "MH1")[0]
    assert (reply.ack, reply.type) == ("AA", "ACK^" + event.split("^")[1])


# -- what we send is HL7 ----------------------------------------------------------------------------------------------

STEPS = (Step("ALT", "S1"), Step("^^^GLU", "S2", "S"))
TUBE = SpecimenOrder("KBL2600001Q", steps=STEPS)
KNOWN = {"sex": "F", "birth_date": "1994-03-02"}


def names_of(body):
    return [row[:3] for row in body.decode().split("\r") if row]


@pytest.mark.parametrize(
    "order",
    [
        TUBE,
        SpecimenOrder("KBL2600001Q", NOTHING),
        SpecimenOrder("KBL2600001Q", CANCEL, STEPS),
        SpecimenOrder("KBL2600001Q", steps=STEPS, patient=KNOWN),
        SpecimenOrder("A&B^C|D~E\\F", steps=(Step("A&B^C|D~E\\F", "S1"),)),
    ],
    ids=["new", "nothing", "cancel", "patient", "delimiters"],
)
def test_an_order_message_is_built_as_an_oml_o33_by_the_strictest_rules(order):
    """The builder validates at hl7apy's strictest level, so that it was built at all is the proof; it reads back too."""
    body = oml_o33([order], number="MH1", now=NOW, receiver="Bench One")
    known = parse_message(body.decode(), find_groups=False)
    assert [one.name for one in known.children] == names_of(body)
    if len(order.steps) < 2:
        assert parse_message(body.decode(), validation_level=VALIDATION_LEVEL.STRICT).validate()
    read = hl7.parse(body)
    assert read.first("SPM").part(2) == order.specimen_id
    assert [one.part(4) for one in read.named("OBR")] == [step.code for step in order.steps]


@pytest.mark.parametrize("born", ["1994-13-45", "yesterday"])
def test_what_is_no_oml_o33_is_never_built(born):
    order = SpecimenOrder("KBL2600001Q", steps=STEPS, patient={"birth_date": born})
    with pytest.raises((HL7apyException, ValueError)):
        oml_o33([order], number="MH1", now=NOW)


def test_trap_lengths_and_tables_are_not_checked_so_our_numbers_must_fit_by_themselves():
    assert oml_o33([SpecimenOrder("KBL2600001Q", "NO WORD")], number="M" * 50, now=NOW)
    made = {orders.fresh(NOW) for _time in range(1000)}
    assert len(made) == 1000
    assert {len(number) for number in made} == {18}  # MSH-10 has room for 20, OBR-2 for 22


def ask(text, version="2.5.1", **given):
    read = hl7.parse(text.replace("\n", "\r").encode())
    asked = queries.asked(read, settings(**given))
    return read, asked


LAW = "MSH|^~\\&|A|B|C|D|20260915||QBP^Q11^QBP_Q11|q1|P|2.5.1|||NE|AL|||||LAB-27^IHE\nQPD|WOS^Work Order Step^IHE_LABTF|t1|{}\nRCP|I||R\n"
XPERT = "MSH|^~\\&|GX|B|C|D|20260915||QBP^Z01|q1|P|2.5|||AL|NE\nQPD|Z01^HostQuery|t1||KBL2600001Q\nRCP|I\n"
BS = "MSH|^~\\&|M|BS|||20260915||QRY^Q02|1|P|2.3.1||||||ASCII\nQRD|20260915|R|D|1|||RD|KBL2600001Q|OTH|||T\nQRF|BS|||||RCT|COR|ALL\n"
BC = "MSH|^~\\&|M|BC|||20260915||ORM^O01|1|P|2.3.1||||||UNICODE\nORC|RF||KBL2600001Q||IP\n"


@pytest.mark.parametrize(
    "text, work, structures",
    [
        (LAW.format("KBL2600001Q"), [TUBE], ["RSP_K11", "OML_O33"]),
        (LAW.format("KBL2600001Q"), [], ["RSP_K11", "OML_O33"]),
        (BS, [TUBE], ["QCK_Q02", "DSR_Q03"]),
        (BS, [], ["QCK_Q02"]),
        (BC, [TUBE], ["ORR_O02"]),
        (BC, [], ["ORR_O02"]),
    ],
    ids=["law", "law nothing", "mindray", "mindray nothing", "worklist", "worklist nothing"],
)
def test_the_answers_to_queries_are_what_they_say(text, work, structures):
    read, asked = ask(text)
    replies = queries.answer(read, asked, work, settings(), NOW)
    assert [reply.type.split("^")[0] for reply in replies] == [name[:3] for name in structures]
    for reply, structure in zip(replies, structures, strict=True):
        known = parse_message(reply.body.decode(), find_groups=False, validation_level=VALIDATION_LEVEL.TOLERANT)
        assert [one.name for one in known.children] == names_of(reply.body)
        assert set(names_of(reply.body)) <= segments_of(structure, reply.version) | {"ERR"}
        check_segments(reply)


def check_segments(reply):
    """Every segment of ours. QRD, QRF and QPD are given back as they were sent; Mindray numbers its DSP, empty ones too."""
    for row in reply.body.decode().split("\r")[1:]:
        if row and row[:3] not in {"QRD", "QRF", "QPD", "DSP"}:
            assert parse_segment(row, version=reply.version).validate()


def segments_of(structure, version):
    """Names of all segments that a structure may hold, at any depth."""
    found, left = set(), [Structure(structure, version=version)]
    while left:
        for name, child in (left.pop().structure_by_name or {}).items():
            if len(name) == 3:
                found.add(name)
            elif child.get("ref"):
                left.append(child["cls"](name, version=version))
    return found


def test_a_cepheid_answer_has_no_structure_of_the_standard_but_good_segments():
    """RSP^Z02 is Cepheid's own: hl7apy knows its segments and no structure of that name."""
    read, asked = ask(XPERT)
    reply = queries.answer(read, asked, [TUBE], settings(), NOW)[0]
    assert names_of(reply.body) == ["MSH", "MSA", "QAK", "QPD", *["ORC", "OBR", "TQ1"] * 2, "SPM"]
    check_segments(reply)


@pytest.mark.parametrize("version", ["2.3.1", "2.4", "2.5", "2.5.1"])
@pytest.mark.parametrize("type_", ["ORU^R01", "EAC^U07"])
def test_an_acknowledgement_is_an_ack_by_hl7apys_reading(version, type_):
    """With its structure named: hl7apy takes `ACK^R01` for a structure of that name, which there is not."""
    body = acknowledge(message(type_=type_ + "^X", version=version), settings(), NOW, "MH1")[0].body
    found = parse_message(body.decode(), validation_level=VALIDATION_LEVEL.TOLERANT)
    assert found.name == "ACK"
    assert found.validate()
    assert [one.name for one in found.children] == names_of(body)


@pytest.mark.parametrize("place", ["4", "6", "8"])
def test_a_query_by_rack_or_tray_is_said_not_to_be_supported(place):
    empty = "|" * (int(place) - 3)
    read, asked = ask(LAW.format(empty + "R7"))
    replies = queries.answer(read, asked, [], settings(), NOW)
    assert [reply.ack for reply in replies] == ["AA"]
    body = replies[0].body.decode()
    assert "\rQAK|t1|AR\r" in body
    assert "|101|E||||Queries by rack or tray are not supported." in body
    assert [row[:3] for row in body.split("\r") if row] == ["MSH", "MSA", "ERR", "QAK", "QPD"]


def test_a_number_beside_a_place_is_enough():
    assert ask(LAW.format("KBL2600001Q|R7|3"))[1].specimens == ("KBL2600001Q",)


def test_everything_that_waits_can_be_asked_for():
    assert ask(LAW.replace("WOS^Work Order Step", "WOS_ALL^Work Order Step All").format(""))[1].everything


def test_records_of_an_order_read_back():
    body = orders.records(SpecimenOrder("KBL&1", steps=STEPS), number="MH1", now=NOW, receiver="X")
    session = lis2.parse(body)
    asked = list(session.named("O"))
    assert [one.part(3) for one in asked] == ["KBL&1", "KBL&1"]
    assert [one.components(5)[3] for one in asked] == ["ALT", "&S&&S&&S&GLU"]
    assert [(one.part(12), one.part(26)) for one in asked] == [("N", "O")] * 2


# -- what hl7apy does to what it is given: why we do not read with it -----------------------------------------------------

OUL = "MSH|^~\\&|A|B|C|D|20260915||OUL^R22^OUL_R22|1|P|2.5.1\r"


def test_trap_a_segment_outside_the_structure_is_dropped_in_silence():
    text = OUL + "SPM|1|X\rOBR|1||1|T\rNK1|1|lost\r"
    assert "lost" not in parse_message(text, find_groups=True).to_er7()
    assert "lost" in parse_message(text, find_groups=False).to_er7()


def test_trap_other_line_ends_lose_or_break_the_message():
    assert "OBR" not in parse_message((OUL + "SPM|1|X\rOBR|1||1|T\r").replace("\r", "\r\n")).to_er7()
    with pytest.raises(UnsupportedVersion):
        parse_message((OUL + "SPM|1|X\rOBR|1||1|T\r").replace("\r", "\n"))


def test_trap_the_second_order_of_a_good_oml_is_taken_for_a_prior_result():
    """ORC may begin both; hl7apy hangs it into the first order, so what it built right it does not read right."""
    body = oml_o33([TUBE], number="MH1", now=NOW).decode()
    with pytest.raises(HL7apyException, match="max limit"):
        parse_message(body, validation_level=VALIDATION_LEVEL.STRICT)


def test_trap_two_components_in_msh_9_are_no_structure():
    body = acknowledge(message(), settings(), NOW, "MH1")[0].body.decode()
    with pytest.raises((HL7apyException, AttributeError)):
        parse_message(body).validate()


def test_trap_odd_versions_and_delimiters_raise():
    for header in ("MSH|^~\\&|A|B|C|D|20260915||ACK|1|P|2,3,1\r", "MSH|^~\\&|A|B|C|D|20260915||ACK|1|P|2.9\r"):
        with pytest.raises((UnsupportedVersion, ParserError, HL7apyException)):
            parse_message(header + "MSA|AA|1\r")
    with pytest.raises((HL7apyException, ValueError, KeyError, IndexError)):
        parse_message("\ufeffMSH|^~\\&|A|B|C|D|20260915||ACK|1|P|2.5.1\rMSA|AA|1\r")


def test_trap_a_text_with_delimiters_becomes_components_unless_it_is_escaped():
    """So everything of ours goes through `escape` before hl7apy sees it."""
    body = oml_o33([SpecimenOrder("A^B&C", steps=())], number="MH1", now=NOW).decode()
    assert "SPM|1|A\\S\\B\\T\\C|" in body


@pytest.mark.parametrize("sent", ["\\Z03BC\\g/L", "\\X0D\\", "a\\.br\\b"])
def test_trap_escapes_that_it_does_not_know_are_damaged_when_written_again(sent):
    segment = parse_segment("OBX|1|ST|X||" + sent, version="2.5.1")
    assert segment.obx_5.to_er7() != sent


def test_trap_an_unknown_structure_has_no_groups():
    text = "MSH|^~\\&|A|B|C|D|20260915||ORL^O34^ORL_O42|1|P|2.5.1\rMSA|AA|1\r"
    try:
        found = parse_message(text, find_groups=True)
    except HL7apyException:
        return
    assert found.name != "ORL_O42" or not [one for one in found.children if one.classname == "Group"]


@pytest.mark.parametrize(
    "name, said",
    [
        ("Bench One", "Bench One"),
        ("Training analyzer KBL", "Training analyzer KB"),  # 21 signs; HD-1 holds 20
        ("A|B^C&D~E\\F", "A B C D E F"),
        ("آنالایزر کابل", "آنالایزر کابل"),
        (" \r|", "ANALYZER"),
    ],
)
def test_any_name_of_an_analyzer_fits_into_the_header(name, said):
    message = oml_o33([TUBE], number="MH1", now=NOW, receiver=name).decode()
    assert message.split("|")[4] == said
