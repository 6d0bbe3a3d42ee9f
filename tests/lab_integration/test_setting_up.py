"""Setting up an analyzer: listening, mapping from what came, a dry run, a second person, and what waited is filed."""

from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from lab_integration import drafts, dry_run, families, hl7, mapping, receive, send, setting_up, strangers, units
from lab_integration import profile as profiles
from lab_integration.models import Analyzer, Knock, Opening, ProfileVersion, ReceivedMessage
from mhac.labs.models import LabResult
from tests.conftest import PASSWORD, make_user

from .conftest import make_analyzer, make_specimen, result

pytestmark = pytest.mark.django_db
EMPTY = {"code_map": []}


def take(analyzer, text, *, clinic=None, peer="10.0.4.17", transport="mllp", process=True):
    """As the listener and the worker do it, without a socket."""
    clinic = clinic or analyzer.clinic
    stored = receive.store(
        peer, text.encode(), analyzer=analyzer, clinic=clinic, transport=transport, received=timezone.now()
    )
    return receive.process(stored[0].message.pk) if process else stored[0].message


def url(name, *keys):
    return reverse(f"lab_integration:{name}", args=keys)


@pytest.fixture
def lsu2(kabul):
    return make_user("lsu2", "LSU", kabul)


@pytest.fixture
def heard(kabul, catalogue):
    """An analyzer that is listened to, without a code map."""
    return make_analyzer(kabul, profile=dict(EMPTY), listening=True)


def save_codes(client, analyzer, revision=0, **rows):
    """Post the table of codes; rows: code -> fields."""
    fields = {"revision": revision, "codes-TOTAL_FORMS": len(rows), "codes-INITIAL_FORMS": len(rows)}
    for number, (code, given) in enumerate(rows.items()):
        given = {"code": code, "system": "", "unit": "", "what": "result", "test": "", "factor": ""} | given
        fields |= {f"codes-{number}-{key}": value for key, value in given.items()}
    return client.post(url("codes", analyzer.pk), fields, follow=True)


def put_in_force(client, version, **fields):
    version.refresh_from_db()
    given = {"because": "Compared with the printouts.", "revision": version.revision, "password": PASSWORD} | fields
    return client.post(url("activate", version.pk), given, follow=True)


# -- listening --------------------------------------------------------------------------------------------------------


def test_what_is_heard_is_kept_and_answered_and_not_filed(heard, cast, catalogue, as_user):
    specimen = make_specimen(heard.clinic, cast.cli, [catalogue["alt"]])
    row = take(heard, result(specimen.accession))
    assert (row.state, row.lines.count(), LabResult.objects.count()) == ("HEARD", 0, 0)
    page = as_user(cast.lsu).get(url("listen", heard.pk))
    assert "ORU^R01" in page.text
    assert "Our specimen numbers stand in OBR-3 (1 of 1 messages)." in page.text
    assert specimen.accession in page.text
    part = as_user(cast.lsu).get(url("listen", heard.pk), headers={"HX-Request": "true"})
    assert part.text.lstrip().startswith("<div")
    assert 'hx-trigger="every 3s"' in part.text


def test_an_administrator_hears_without_payload(heard, cast, catalogue, as_user):
    specimen = make_specimen(heard.clinic, cast.cli, [catalogue["alt"]])
    take(heard, result(specimen.accession, value="777.25"))
    page = as_user(cast.adm).get(url("listen", heard.pk))
    assert "ALT" in page.text
    assert specimen.accession not in page.text
    assert "777.25" not in page.text
    assert "Zahra" not in page.text
    assert as_user(cast.adm).get(url("codes", heard.pk)).status_code == 403


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("analyzer", ["lab", "lsu", "adm", "aud", "qco", "mgr"], ["rec", "cli", "rad"]),
        ("listen", ["lab", "lsu", "adm", "aud"], ["rec", "phy"]),
        ("versions", ["lab", "lsu", "adm"], ["dat"]),
        ("connection", ["adm"], ["lsu", "lab", "mgr"]),
        ("codes", ["lsu"], ["lab", "adm", "qco"]),
        ("habits", ["lsu"], ["lab", "adm"]),
        ("profile", ["lsu"], ["lab", "adm"]),
    ],
)
def test_who_may_do_what(heard, cast, as_user, name, allowed, refused):
    for who in allowed:
        assert as_user(getattr(cast, who)).get(url(name, heard.pk)).status_code == 200, who
    for who in refused:
        assert as_user(getattr(cast, who)).get(url(name, heard.pk)).status_code == 403, who
    assert as_user(cast.herat_lab).get(url(name, heard.pk)).status_code in (403, 404)


def test_no_orders_go_to_an_analyzer_that_is_only_listened_to(heard, cast, catalogue):
    make_specimen(heard.clinic, cast.cli, [catalogue["alt"]])
    Analyzer.objects.update(outbound_host="127.0.0.1", outbound_port=9)
    heard.refresh_from_db()
    heard.profile = {"code_map": [{"code": "ALT", "test": "alt"}]}
    heard.save()
    assert send.prepare_orders(timezone.now()) == 0


# -- strangers --------------------------------------------------------------------------------------------------------


def test_a_stranger_is_turned_away_and_written_down_unless_somebody_listens(cast, kabul, as_user):
    now = timezone.now()
    assert strangers.admit("10.0.4.99", "mllp", now) is None
    assert strangers.admit("10.0.4.99", "mllp", now) is None
    assert Knock.objects.get().times == 2
    assert "10.0.4.99" in as_user(cast.adm).get(url("analyzers")).text
    assert as_user(cast.lsu).post(url("listen_for_strangers"), {"clinic": kabul.pk}).status_code == 403
    page = as_user(cast.adm).post(url("listen_for_strangers"), {"clinic": kabul.pk}, follow=True)
    assert "Listening for one hour." in page.text
    opening = strangers.admit("10.0.4.99", "mllp", timezone.now())
    assert opening.clinic == kabul
    assert strangers.take(opening, timezone.now())
    assert not strangers.take(opening, opening.until)
    Opening.objects.update(messages=strangers.MOST_MESSAGES)
    assert not strangers.take(opening, timezone.now())


def test_knocks_do_not_grow_without_end(db):
    for number in range(strangers.MOST_KNOCKS + 20):
        strangers.admit(f"10.1.{number // 250}.{number % 250}", "mllp", timezone.now())
    assert Knock.objects.count() == strangers.MOST_KNOCKS


MINDRAY = (
    "MSH|^~\\&|||||20261121090000||ORU^R01|1|P|2.3.1||||0||ASCII|||\rPID|1\r"
    "OBR|1|{0}|12|^Mindray|N|20261121085500\rOBX|1|NM|7|ALT|{1}|U/L|||||F||{1}|20261121085900\r"
)


def test_a_stranger_becomes_an_analyzer_with_the_family_it_looks_like(cast, kabul, catalogue, as_user):
    specimen = make_specimen(kabul, cast.cli, [catalogue["alt"]])
    body = MINDRAY.format(specimen.accession, 31)
    row = take(None, body, clinic=kabul, peer="10.0.4.99")
    assert (row.state, row.type) == ("UNKNOWN_SENDER", "ORU^R01")
    client = as_user(cast.adm)
    where = {"peer": "10.0.4.99", "transport": "mllp"}
    page = client.get(url("stranger"), where)
    assert "It looks like Mindray BS (chemistry):" in page.text
    assert "MSH-16 = 0" in page.text
    assert specimen.accession not in page.text
    form = client.get(url("new_analyzer"), where)
    assert 'value="mindray_bs" selected' in form.text
    fields = {"clinic": kabul.pk, "name": "Chemistry", "family": "mindray_bs", "dialect": "hl7", "link": "calls"}
    fields |= {"addresses": "10.0.4.99", "silent_after": 4, "active": "on", "takes_orders": "on"}
    address = url("new_analyzer") + "?peer=10.0.4.99&transport=mllp"
    assert client.post(address, fields | {"password": "wrong"}).status_code == 422
    assert client.post(address, fields | {"password": PASSWORD, "dialect": "astm"}).status_code == 422
    page = client.post(address, fields | {"password": PASSWORD}, follow=True)
    assert "Chemistry is listened to. Nothing is filed yet." in page.text
    made = Analyzer.objects.get()
    assert (made.listening, made.profile["msh16"]) == (True, "sample_type")
    row.refresh_from_db()
    assert (row.analyzer, row.state) == (made, "RECEIVED")
    assert receive.process_next().state == "HEARD"
    assert client.get(url("stranger"), where).status_code == 404


def test_two_behind_one_address_are_told_apart_or_refused(cast, kabul, catalogue, as_user):
    take(None, result("KBL2600001Q", sender="NEW"), clinic=kabul, peer="10.0.4.99")
    other = make_analyzer(kabul, "Other", addresses=["10.0.4.99"])
    fields = {"clinic": kabul.pk, "name": "New", "family": "", "dialect": "hl7", "link": "calls"}
    fields |= {"addresses": "10.0.4.99", "silent_after": 4, "active": "on", "password": PASSWORD}
    address = url("new_analyzer") + "?peer=10.0.4.99&transport=mllp"
    page = as_user(cast.adm).post(address, fields)
    assert "Other speaks from this address too. Its profile has to name its sender first." in page.text
    other.profile = other.profile | {"sender": "OTHER"}
    other.save()
    assert as_user(cast.adm).post(address, fields).status_code == 302
    assert Analyzer.objects.get(name="New").profile["sender"] == "NEW"


# -- mapping ----------------------------------------------------------------------------------------------------------


def test_codes_are_offered_from_what_came_with_a_reason(heard, cast, catalogue, as_user):
    take(heard, result("KBL2600001Q", code="1920-8^SGPT^LN"))
    take(heard, result("KBL2600001Q", code="GLU^Glucose", unit="mmol/L", value="5.1", number="2"))
    take(heard, result("KBL2600001Q", code="X9", unit="{arb}", value="3", number="3"))
    catalogue["alt"].loinc = "1920-8"
    catalogue["alt"].save()
    found = {line.seen.code: line.suggestion for line in mapping.lines(heard, heard.settings)}
    assert (found["1920-8"].test, found["1920-8"].why) == ("alt", "Its code is the LOINC code of this test.")
    assert (found["GLU"].test, found["GLU"].why) == ("glu", "It has the name of this test.")
    assert found["X9"] is None
    take(heard, result("KBL2600001Q", code="55^Glucose hexokinase", unit="umol/L", number="4"))
    like = {line.seen.code: line.suggestion for line in mapping.lines(heard, heard.settings)}["55"]
    assert (like.test, like.why) == ("glu", "Its name is like that of this test.")
    page = as_user(cast.lsu).get(url("codes", heard.pk))
    assert "Its code is the LOINC code of this test." in page.text
    assert "SGPT" in page.text


def test_the_only_test_with_such_a_unit_is_offered(heard, catalogue):
    take(heard, result("KBL2600001Q", code="Q7", unit="umol/L"))
    line = mapping.lines(heard, heard.settings)[0]
    assert (line.suggestion.test, line.suggestion.why) == ("glu", "Only this test is measured in such a unit.")


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"test": "nothing"}, "There is no such test in the catalogue."),
        ({"test": "glu", "unit": "mg/dL"}, "No rule turns mg/dL into mmol/L, the unit of Glucose."),
        ({"test": "glu", "unit": ""}, "No unit was sent. If the analyzer measures in mmol/L, write the factor 1"),
        ({"test": "glu", "unit": "umol/L", "factor": "0.01"}, "umol/L becomes mmol/L by the factor 0.001"),
        ({"test": "glu", "unit": "mg/dL", "factor": "-1"}, "A factor is a number greater than 0"),
        ({"test": "glu", "unit": "mg/dL", "factor": "ten"}, "A factor is a number greater than 0"),
    ],
)
def test_a_bad_choice_is_answered_with_a_sentence(heard, cast, catalogue, as_user, row, sentence):
    take(heard, result("KBL2600001Q", code="Q7", unit=row.get("unit", "mmol/L")))
    page = save_codes(as_user(cast.lsu), heard, Q7={"unit": "mmol/L"} | row)
    assert page.status_code == 422
    assert sentence in page.text
    assert drafts.of(heard) is None


@pytest.mark.parametrize(
    ("row", "entry"),
    [
        ({"test": "glu", "unit": "mmol/L"}, {"test": "glu", "unit": "mmol/L"}),
        ({"test": "Glucose", "unit": "umol/L"}, {"test": "glu", "unit": "umol/L", "factor": "0.001"}),
        (
            {"test": "glu", "unit": "mg/dL", "factor": "0.0555"},
            {"test": "glu", "unit": "mg/dL", "factor": "0.0555"},
        ),
        ({"test": "glu", "unit": "", "factor": "1"}, {"test": "glu", "unit": ""}),
        ({"test": "hiv", "unit": ""}, {"test": "hiv"}),
        ({"what": "supplemental", "unit": "mmol/L"}, {"test": "-", "supplemental": True}),
    ],
)
def test_a_choice_becomes_a_line_of_the_draft(heard, cast, catalogue, as_user, row, entry):
    take(heard, result("KBL2600001Q", code="Q7", unit=row.get("unit", "")))
    page = save_codes(as_user(cast.lsu), heard, Q7=row)
    assert "Version 2 is saved as a draft." in page.text
    assert drafts.of(heard).profile["code_map"] == [{"code": "Q7"} | entry]
    heard.refresh_from_db()
    assert heard.profile == EMPTY


def test_words_are_mapped_one_by_one(heard, cast, catalogue, as_user):
    for number, value in enumerate(["NR", "reactive", "Failed"]):
        take(heard, result("KBL2600001Q", code="HIV", unit="", value=value, type_="ST", number=str(number)))
    client = as_user(cast.lsu)
    save_codes(client, heard, HIV={"test": "hiv"})
    page = client.get(url("codes", heard.pk))
    assert "The word is not one of the test" in page.text
    words = {"test": "hiv", "word0": "nonreactive", "word1": "reactive", "word2": mapping.FAILURE}
    save_codes(client, heard, revision=1, HIV=words)
    entry = drafts.of(heard).profile["code_map"][0]
    assert entry["value_map"] == {"NR": "nonreactive"}
    assert entry["run_failure_values"] == ["Failed"]


def test_a_changed_line_leaves_the_others_alone():
    old = {
        "code_map": [
            {"code": "A", "test": "a"},
            {"code": "B", "test": "b", "unit": ["x", "y"]},
            {"code": "C*", "test": "c"},
        ]
    }
    tests = {}
    choice = mapping.Choice("B", unit="y", what="supplemental")
    entries = mapping.changed(old, [choice], tests)["code_map"]
    assert [entry["code"] for entry in entries] == ["A", "B", "B", "C*"]
    assert {"code": "B", "test": "b", "unit": ["x"]} in entries
    assert mapping.changed(old, [mapping.Choice("A")], tests)["code_map"] == old["code_map"][1:]


@pytest.mark.parametrize("count", [0, 1, 200])
def test_the_table_of_codes_has_pages(heard, cast, as_user, count):
    rows = "".join(f"OBX|{n}|NM|C{n}||{n}|U/L|||||F\r" for n in range(count))
    if count:
        take(heard, "MSH|^~\\&|B||||20261121||ORU^R01|1|P|2.3.1\rOBR|1||X\r" + rows)
    page = as_user(cast.lsu).get(url("codes", heard.pk))
    assert page.status_code == 200
    assert page.text.count('name="codes-') == 4 + min(count, 40) * 6 if count else "No code came yet." in page.text
    if count == 200:
        assert "?page=2" in page.text
        assert "C99" in as_user(cast.lsu).get(url("codes", heard.pk), {"page": 5}).text


@pytest.mark.parametrize(
    ("sent", "wanted", "factor"),
    [
        ("g/L", "g/dL", "0.1"),
        ("10^9/L", "10*3/uL", "1"),
        ("x10^3/uL", "10*3/uL", "1"),
        ("µmol/L", "mmol/L", "0.001"),
        ("g/L^^A400", "g/dL", "0.1"),
        ("IU/mL", "[IU]/mL", "1"),
        ("mg/dL", "mmol/L", None),
        ("U/L", "[IU]/L", None),
        ("", "g/L", None),
        ("furlong", "m", None),
    ],
)
def test_units(sent, wanted, factor):
    found = units.factor(sent, wanted)
    assert (found if found is None else format(found.normalize(), "f")) == factor


# -- rules ------------------------------------------------------------------------------------------------------------


def test_reading_rules_are_a_draft_too(heard, cast, as_user):
    client = as_user(cast.lsu)
    fields = {"specimen_fields": "OBR-2, SPM-2", "msh16": "sample_type", "ack": "auto", "law": "unknown", "revision": 0}
    assert "saved as a draft" in client.post(url("habits", heard.pk), fields, follow=True).text
    assert drafts.of(heard).profile == {"code_map": [], "specimen_fields": ["OBR-2", "SPM-2"], "msh16": "sample_type"}
    assert "Nothing was changed." in client.post(url("habits", heard.pk), fields | {"revision": 1}, follow=True).text
    page = client.post(url("habits", heard.pk), fields | {"revision": 1, "specimen_fields": "barcode"}, follow=True)
    assert "is no position" in page.text


def test_two_who_write_at_once_are_told(heard, cast, lsu2):
    drafts.save(heard, {"code_map": [], "sender": "A"}, by=cast.lsu, revision=0)
    with pytest.raises(drafts.Refused, match="Somebody changed this draft"):
        drafts.save(heard, {"code_map": [], "sender": "B"}, by=lsu2, revision=0)
    draft = drafts.save(heard, {"code_map": [], "sender": "B"}, by=lsu2, revision=1)
    assert draft.authors == [cast.lsu.pk, lsu2.pk]


def test_json_is_read_and_refused_with_its_place(heard, cast, as_user):
    client = as_user(cast.lsu)
    assert client.post(url("profile", heard.pk), {"profile": "{", "revision": 0}).status_code == 422
    assert client.post(url("profile", heard.pk), {"profile": "[]", "revision": 0}).status_code == 422
    wrong = {"profile": '{"code_map": [{"code": "ALT", "tset": "alt"}]}', "revision": 0}
    assert "code_map[0].tset: This key is not known" in client.post(url("profile", heard.pk), wrong, follow=True).text
    right = {"profile": '{"code_map": [{"code": "ALT", "test": "alt", "factor": 0.1}]}', "revision": 0}
    assert "saved as a draft" in client.post(url("profile", heard.pk), right, follow=True).text


# -- versions ---------------------------------------------------------------------------------------------------------


def drafted(heard, by, **profile):
    return drafts.save(
        heard, {"code_map": [{"code": "ALT", "test": "alt", "unit": "U/L"}]} | profile, by=by, revision=0
    )


def test_a_second_person_puts_it_in_force_and_what_waited_is_filed(heard, cast, lsu2, catalogue, as_user):
    specimen = make_specimen(heard.clinic, cast.cli, [catalogue["alt"]])
    row = take(heard, result(specimen.accession))
    assert "1 message<" in as_user(cast.lsu).get(url("analyzer", heard.pk)).text
    version = drafted(heard, cast.lsu)
    page = put_in_force(as_user(cast.lsu), version)
    assert "You wrote part of this version." in page.text
    assert "is not your password" in put_in_force(as_user(lsu2), version, password="wrong").text
    assert "Write why" in put_in_force(as_user(lsu2), version, because="").text
    assert as_user(cast.lab).post(url("activate", version.pk)).status_code == 403
    page = put_in_force(as_user(lsu2), version)
    assert "Version 2 is in force." in page.text
    heard.refresh_from_db()
    assert (heard.listening, heard.in_force.number, heard.in_force.activated_by) == (False, 2, lsu2)
    page = as_user(lsu2).post(url("replay_waiting", heard.pk), follow=True)
    assert "1 message was read again: 1 processed." in page.text
    filed = LabResult.objects.get()
    assert (filed.order.specimen, filed.state) == (specimen, "filed")
    row.refresh_from_db()
    assert row.profile_version == row.lines.get().profile_version == version
    assert "Nothing waits to be read again." in as_user(lsu2).post(url("replay_waiting", heard.pk), follow=True).text


def test_the_database_holds_the_second_person(heard, cast):
    version = drafted(heard, cast.lsu)
    for wrong in (
        {"state": "used", "activated_by": cast.lsu, "because": "I know best."},
        {"state": "used", "activated_by": None, "because": "Nobody did."},
        {"state": "used", "activated_by": cast.lab2, "because": ""},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            ProfileVersion.objects.filter(pk=version.pk).update(**wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        ProfileVersion.objects.create(analyzer=heard, number=9)


def test_what_changed_since_it_was_looked_at_is_looked_at_again(heard, cast, lsu2, as_user):
    version = drafted(heard, cast.lsu)
    drafts.save(heard, {"code_map": [], "sender": "X"}, by=cast.lsu, revision=1)
    page = put_in_force(as_user(lsu2), version, revision=1)
    assert "This version was changed since you looked at it." in page.text


def test_open_questions_warn(heard, cast, lsu2, as_user, catalogue):
    take(heard, result("KBL2600001Q"))
    take(heard, result("KBL2600001Q", code="NEW1", number="2"))
    version = drafted(heard, cast.lsu)
    page = as_user(lsu2).get(url("activate", version.pk))
    assert "NEW1 (U/L) came 1 times and is not mapped." in page.text
    assert "1 questions are open." in put_in_force(as_user(lsu2), version).text
    assert "Version 2 is in force." in put_in_force(as_user(lsu2), version, despite="on").text


def test_an_earlier_version_is_put_in_force_again(heard, cast, lsu2, as_user):
    first = heard.in_force
    version = drafted(heard, cast.lsu)
    put_in_force(as_user(lsu2), version)
    assert "put in force by" in as_user(cast.lab).get(url("versions", heard.pk)).text
    assert "Version 1 is in force." in put_in_force(as_user(cast.lsu), first).text
    assert "You wrote part of this version." in put_in_force(as_user(cast.lsu), version).text
    assert "Version 2 is in force." in put_in_force(as_user(lsu2), version).text
    assert "This version is in force already." in put_in_force(as_user(lsu2), version).text


def test_a_draft_that_was_put_aside_stays_aside(heard, cast, lsu2, as_user):
    version = drafted(heard, cast.lsu)
    assert "put aside" in as_user(cast.lsu).post(url("discard", version.pk), follow=True).text
    assert "This is no draft any more." in as_user(cast.lsu).post(url("discard", version.pk), follow=True).text
    assert "This draft was discarded." in put_in_force(as_user(lsu2), version).text
    assert drafted(heard, cast.lsu).number == 3


def test_a_new_address_is_looked_at_by_a_second_person(kabul, cast, catalogue, as_user):
    analyzer = make_analyzer(kabul)
    specimen = make_specimen(kabul, cast.cli, [catalogue["alt"]])
    fields = {"clinic": kabul.pk, "name": "Bench Two", "dialect": "hl7", "link": "calls", "addresses": "127.0.0.1"}
    fields |= {"silent_after": 4, "active": "on", "takes_orders": "on", "password": PASSWORD}
    client = as_user(cast.adm)
    client.post(url("connection", analyzer.pk), fields)
    analyzer.refresh_from_db()
    assert (analyzer.name, analyzer.listening) == ("Bench Two", False)
    page = client.post(url("connection", analyzer.pk), fields | {"addresses": "10.9.9.9"}, follow=True)
    assert "only listened to until a supervisor" in page.text
    analyzer.refresh_from_db()
    assert analyzer.listening
    assert take(analyzer, result(specimen.accession)).state == "HEARD"
    assert "only listened to. Put" in as_user(cast.lsu).post(url("replay_waiting", analyzer.pk), follow=True).text
    put_in_force(as_user(cast.lsu), analyzer.in_force)
    as_user(cast.lsu).post(url("replay_waiting", analyzer.pk))
    assert LabResult.objects.count() == 1


# -- dry run ----------------------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_would_happen_and_leaves_nothing(heard, cast, catalogue, as_user):
    specimen = make_specimen(heard.clinic, cast.cli, [catalogue["alt"], catalogue["glu"]])
    take(heard, result(specimen.accession))
    take(heard, result(specimen.accession, code="GLU", unit="mg/dL", value="90", number="2"))
    version = drafted(heard, cast.lsu)
    found = dry_run.run(version, timezone.now())
    assert [(line.code, line.before.state, line.after.state) for line in found.lines] == [
        ("ALT", "UNMAPPED_CODE", "FILED"),
        ("GLU", "UNMAPPED_CODE", "UNMAPPED_CODE"),
    ]
    assert (found.filed, found.changing, found.messages) == (1, 1, 2)
    assert LabResult.objects.count() == 0
    assert set(ReceivedMessage.objects.values_list("state", flat=True)) == {"HEARD"}
    assert ProfileVersion.objects.count() == 2
    heard.refresh_from_db()
    assert (heard.listening, heard.profile) == (True, EMPTY)
    page = as_user(cast.lsu).get(url("dry_run", version.pk))
    assert "2 messages, 2 rows: 1 would go another way, 1 of them would be filed." in page.text
    assert as_user(cast.adm).get(url("dry_run", version.pk)).status_code == 403


def test_a_dry_run_shows_results_that_would_read_otherwise(kabul, cast, catalogue):
    analyzer = make_analyzer(kabul)
    specimen = make_specimen(kabul, cast.cli, [catalogue["alt"]])
    take(analyzer, result(specimen.accession))
    changed = [{"code": "ALT", "test": "alt", "unit": "U/L", "factor": "10"}]
    version = drafts.save(analyzer, {"code_map": changed}, by=cast.lsu, revision=0)
    line = dry_run.run(version, timezone.now()).lines[0]
    assert (line.before.value, line.after.value) == ("31 U/L", "310 U/L")
    assert LabResult.objects.get().number == 31


@pytest.mark.parametrize("key", families.families())
def test_every_family_is_a_profile_that_can_be_read(key):
    family = families.families()[key]
    given = {"name": "x", "dialect": family.dialect, "code_map": [], **family.profile}
    assert profiles.read(given, ZoneInfo("Asia/Kabul"))
    assert family.source
    assert family.note
    assert family.unverified
    assert family.certainty in {"manual", "captures", "drivers", "hearsay"}
    assert family.signs
    assert not family.verified


@pytest.mark.parametrize("key", [key for key, one in families.families().items() if one.profile.get("code_map")])
def test_no_family_invents_what_a_laboratory_types_itself(key):
    assert key in {"mindray_bc", "sysmex_xn"}  # LOINC codes of the manual; the letters of a blood count


def test_another_family_is_not_chosen_by_a_version_alone(kabul):
    plain = hl7.parse(b"MSH|^~\\&|LAB||||20261121||ORU^R01|1|P|2.3.1\rOBX|1|NM|A||1\r")
    assert families.guess([plain], "hl7") is None
    named = hl7.parse(b"MSH|^~\\&|BC-5390||||20261121||ORU^R01|1|P|2.3.1\rOBX|1|NM|A||1\r")
    assert families.guess([named], "hl7").family.key == "mindray_bc"


def test_the_list_of_strangers_is_that_of_her_sites(kabul, herat, cast):
    take(None, result("KBL2600001Q"), clinic=herat, peer="10.0.4.99")
    cast.lab.acting = "lab_integration.view_analyzer"
    assert setting_up.strangers(cast.lab, timezone.now()) == []
