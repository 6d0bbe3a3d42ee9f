"""Consents to a text in the language it was read in, guardians of children, and papers that were seen."""

import datetime
import shutil
from pathlib import Path

import pytest
from django.urls import reverse

from mhac.patients import services as patients
from mhac.protocols.programme import EditionFault, read_edition
from mhac.screenings import consent_paper, papers, services, texts
from mhac.screenings.models import Consent, Guardian, PaperSeen, Screening

CANADA = Path(services.__file__).parents[1] / "protocols" / "editions" / "ca-2020.toml"


def years_ago(today, years, days=0):
    day = today - datetime.timedelta(days=days)
    return (
        day.replace(year=day.year - years)
        if (day.month, day.day) != (2, 29)
        else day.replace(year=day.year - years, day=28)
    )


@pytest.fixture
def family(kabul, cast):
    """A father with a passport, his son of seventeen (his birthday is tomorrow), and a daughter who is eighteen today."""
    case = services.open_case(
        clinic=kabul, programme="ca", contact_name="Testi Father", phone="0700", address="Kabul", by=cast.rec
    )
    today, made = kabul.today(), []
    for nth, (name, born, relation) in enumerate(
        (
            ("Father", datetime.date(1980, 5, 1), "head"),
            ("Son", years_ago(today, 18, days=-1), "child"),
            ("Daughter", years_ago(today, 18), "child"),
        )
    ):
        papers_of = [{"kind": "passport", "number": "XX000777"}] if nth == 0 else []
        person = patients.register(
            clinic=kabul, by=cast.rec, given_name=name, sex="male", born_earliest=born, documents=papers_of
        )
        made.append(
            services.open_screening(case, patient=person, relation=relation, reference=f"9000{nth:05d}", by=cast.rec)
        )
    return made


def test_every_text_is_whole_and_of_its_day():
    for text in texts.all_texts():
        assert {purpose.value for purpose, _said in text.of("ps")} == set(Consent.Purpose.values)
        assert text.source and all(said for language in texts.LANGUAGES for _purpose, said in text.of(language))
    first = texts.all_texts()[0]
    assert texts.current(first.in_force) == texts.current(datetime.date(1990, 1, 1)) == first
    assert texts.all_texts()[-1].of("uz") == texts.all_texts()[-1].of("en")
    assert [texts.direction(language) for language in texts.LANGUAGES] == ["ltr", "rtl", "rtl"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('version = "2026-1"', 'version = "2027-1"', "the file's name"),
        ("[hiv]", "[other]", "the text for hiv is missing"),
    ],
)
def test_a_text_with_a_hole_is_not_read(tmp_path, old, new, words):
    path = tmp_path / "2026-1.toml"
    shutil.copy(Path(texts.__file__).with_name("2026-1.toml"), path)
    assert texts.read(path).version == "2026-1"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(texts.Incomplete, match=words):
        texts.read(path)


def test_a_consent_keeps_its_text_and_how_it_was_given(family, cast):
    version = texts.current(family[0].clinic.today()).version
    given = services.give_consent(
        family[0], purpose="contact", given_by="Father", language="ps", version=version, by=cast.rec
    )
    assert (given.version, given.language) == (version, "ps")
    with pytest.raises(services.Refused, match="The text has changed"):
        services.give_consent(family[0], purpose="photo", given_by="Father", version="1999-1", by=cast.rec)
    with pytest.raises(services.Refused, match="who interpreted it"):
        services.give_consent(family[0], purpose="photo", given_by="Father", language="uz", by=cast.rec)
    interpreted = services.give_consent(
        family[0], purpose="photo", given_by="Father", language="uz", witness="Testi Interpreter", by=cast.rec
    )
    assert interpreted.witness == "Testi Interpreter"
    assert Consent.objects.standing().filter(purpose=Consent.Purpose.CONTACT).get() == given


def test_the_page_shows_the_text_in_the_chosen_language_and_keeps_what_was_typed(family, cast, as_user):
    browser, address = as_user(cast.rec), reverse("screenings:consent", args=[family[0].pk])
    page = browser.get(address)
    assert 'lang="fa-af" dir="rtl"' in page.content.decode() and "رضایت می‌دهم" in page.content.decode()
    key = family[0].pk
    typed = {"show": "1", "language": "ps", "witness": "Testi Witness", f"{key}-purposes": ["hiv"]}
    shown = browser.post(address, typed)
    html = shown.content.decode()
    assert 'lang="ps" dir="rtl"' in html and "زه رضایت ورکوم" in html and "Testi Witness" in html
    assert shown.context["people"][0]["purposes"].value() == ["hiv"] and not Consent.objects.exists()
    assert "There is no text in this language" in browser.post(address, typed | {"language": "uz"}).content.decode()


def sent(family, **changes):
    version = texts.current(family[0].clinic.today()).version
    data = {"language": "en", "method": "signature", "everybody": "on", "version": version}
    for each in family:
        data[f"{each.pk}-given_by"] = each.patient.name
    return data | changes


def test_until_the_eighteenth_birthday_a_guardian_with_a_relation_consents(family, cast, as_user):
    father, son, daughter = family
    browser, address = as_user(cast.rec), reverse("screenings:consent", args=[father.pk])
    forms = {each.screening: each for each in browser.get(address).context["people"]}
    assert [forms[each].is_child for each in family] == [False, True, False]
    guess = [forms[son][name].value() for name in ("given_by", "relation", "document")]
    assert guess == ["Father", "father", "passport XX000777"]
    assert "is a child" in browser.post(address, sent(family, **{f"{son.pk}-relation": "father"})).content.decode()
    by_father = sent(family, **{f"{son.pk}-given_by": "Father"})
    assert "what the guardian is to the child" in browser.post(address, by_father).content.decode()
    assert not Consent.objects.exists()
    whole = by_father | {f"{son.pk}-relation": "father", f"{son.pk}-document": "passport XX000777"}
    assert browser.post(address, whole).status_code == 302
    assert Consent.objects.count() == 6
    given = Consent.objects.filter(screening=son).first()
    assert (given.given_by, given.guardian_relation, given.guardian_document) == (
        "Father",
        "father",
        "passport XX000777",
    )
    assert Consent.objects.filter(screening=daughter).first().guardian_relation == ""
    guardian = Guardian.objects.get()
    assert (guardian.screening, guardian.adult, guardian.relation) == (son, father, "father")
    assert guardian.history.get().history_user == cast.rec


def test_a_guardian_is_an_adult_of_the_case_or_somebody_named_or_missing(family, cast, as_user):
    father, son, daughter = family
    refused = [
        (daughter, {"adult": father, "relation": "father"}, "grown up"),
        (son, {"adult": son, "relation": "other"}, "adult of the same family"),
        (son, {"name": " ", "relation": "uncle"}, "guardian's name"),
        (son, {"name": "son", "relation": "uncle"}, "guardian's name"),
        (son, {"adult": father}, "is to the child"),
    ]
    for screening, changes, words in refused:
        with pytest.raises(services.Refused, match=words):
            services.set_guardian(screening, by=cast.rec, **changes)
    browser, address = as_user(cast.rec), reverse("screenings:guardians", args=[son.case_id])
    (form,) = browser.get(address).context["forms"]
    assert form["who"].value() == str(father.pk) and not Guardian.objects.exists()
    case = reverse("desk:case", args=[son.case_id])
    assert "no guardian" in browser.get(case).content.decode()
    prefix = f"{son.pk}-"
    assert "is to the child" in browser.post(address, {f"{prefix}who": str(father.pk)}).content.decode()
    assert browser.post(address, {f"{prefix}who": "alone"}).status_code == 302
    assert "needs a guardian" in browser.get(case).content.decode()
    named = {f"{prefix}who": "named", f"{prefix}name": "Testi Uncle", f"{prefix}relation": "uncle"}
    assert "guardian&#x27;s name" in browser.post(address, named | {f"{prefix}name": ""}).content.decode()
    assert browser.post(address, named).status_code == 302
    assert "guardian: Testi Uncle (uncle or aunt)" in browser.get(case).content.decode()
    assert Guardian.objects.get().history.count() == 2
    assert as_user(cast.lab).get(address).status_code == as_user(cast.pro).get(address).status_code == 403
    assert as_user(cast.herat_rec).get(address).status_code == 404


def test_the_form_to_sign_is_printed_in_the_chosen_language(family, cast, as_user):
    address = reverse("screenings:consent_form", args=[family[0].pk])
    answer = as_user(cast.rec).get(address, {"language": "ps"})
    assert answer.content.startswith(b"%PDF") and answer["Content-Type"] == "application/pdf"
    values = consent_paper.values(family, "fa-af")
    assert [is_child for _each, is_child, _guardian in values["people"]] == [False, True, False]
    assert values["direction"] == "rtl"
    assert as_user(cast.phy).get(address).status_code == 403


def test_papers_are_ticked_and_taken_back_with_who_and_when(family, cast, as_user):
    father = family[0]
    browser, address = as_user(cast.rec), reverse("screenings:papers", args=[father.case_id])
    prefix = f"{father.pk}-papers"
    assert browser.post(address, {prefix: ["polio_card", "photo_35x45"]}).status_code == 302
    assert browser.post(address, {prefix: ["tattoo"]}).status_code == 200
    page = browser.get(reverse("desk:case", args=[father.case_id])).context["checklist"]
    there = {entry.name: entry for entry in page.people[0].entries if entry.there}
    assert there["polio vaccination card"].seen.seen_by == cast.rec
    assert {"passport", "Afghan telephone number", "address", "IME number"} <= {str(name) for name in there}
    assert as_user(cast.mgr).post(address, {prefix: ["photo_35x45"]}).status_code == 302
    gone = PaperSeen.objects.get(paper="polio_card")
    assert (gone.taken_back_by, gone.history.count()) == (cast.mgr, 2)
    assert PaperSeen.objects.standing().get().paper == "photo_35x45"
    assert as_user(cast.lab).post(address, {}).status_code == 403


def test_what_to_bring_is_said_in_the_family_s_language(family, cast, kabul):
    son, today = family[1], kabul.today()
    assert papers.to_bring(son, today, "en")[0] == "passport"
    assert papers.to_bring(son, today, "en")[-1] == str(papers.GUARDIAN)
    assert "کارت واکسین پولیو" in papers.to_bring(son, today, "fa-af")
    assert str(papers.GUARDIAN) not in papers.to_bring(family[2], today, "en")
    student = Screening(patient=son.patient, edition="my-emgs-first")
    assert not papers.is_known(student)
    assert papers.to_bring(student, today, "en")[-1] == "everything that the partner's letter asks for"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [('paper = "polio_card"', 'paper = "polio_crad"', "polio_crad"), ('age_on = "opened"', 'age_on = "paid"', "paid")],
)
def test_an_edition_with_an_unknown_paper_or_day_is_not_read(tmp_path, old, new, words):
    path = tmp_path / CANADA.name
    content = CANADA.read_text(encoding="utf-8")
    assert content.count(old)
    path.write_text(content.replace(old, new), encoding="utf-8")
    with pytest.raises(EditionFault, match=words):
        read_edition(path)
