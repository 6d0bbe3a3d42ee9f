"""The pages of the bench: what they show, whom they let in, and that long lists cost no more queries."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mhac.accounts.models import Access
from mhac.clinics.numbers import compose
from mhac.labs import services
from mhac.labs.models import LabOrder, LabResult, Specimen, Test
from mhac.patients.models import Patient
from mhac.screenings.models import Case, Screening


def crowd(scene, count, *, state="ordered", result=False, critical=False):
    """`count` people, each with a creatinine in this state of its way."""
    clinic, cast = scene.clinic, scene.cast
    born = datetime.date(1990, 1, 1)
    at = Patient.objects.count()
    people = [
        Patient(
            number=f"P{at + n}",
            clinic=clinic,
            given_name=f"Person{n}",
            sex="male",
            born_earliest=born,
            born_latest=born,
        )
        for n in range(count)
    ]
    Patient.objects.bulk_create(people)
    cases = [
        Case(number=f"C{at + n}", clinic=clinic, programme="us-iv", contact_name="X", created_by=cast.rec)
        for n in range(count)
    ]
    Case.objects.bulk_create(cases)
    screenings = [
        Screening(case=c, patient=p, clinic=clinic, programme="us-iv", edition="us-iv-2021-09-03", opened_on=born)
        for c, p in zip(cases, people, strict=True)
    ]
    Screening.objects.bulk_create(screenings)
    test = Test.objects.get(key="crea")
    orders = [LabOrder(screening=s, test=test, item="creatinine", state=state) for s in screenings]
    if state != "ordered":
        specimens = [
            Specimen(
                screening=s,
                clinic=clinic,
                accession=compose("KBL", "", 26, at + n),
                tube="serum",
                state="received",
                collected_at=timezone.now(),
                collected_by=cast.lab,
                received_at=timezone.now(),
                received_by=cast.lab,
            )
            for n, s in enumerate(screenings)
        ]
        Specimen.objects.bulk_create(specimens)
        for order, specimen in zip(orders, specimens, strict=True):
            order.specimen = specimen
    LabOrder.objects.bulk_create(orders)
    if result:
        LabResult.objects.bulk_create(
            LabResult(
                screening=o.screening,
                order=o,
                as_sent="1.0",
                number=1,
                source="analyzer",
                instrument="Simulator",
                critical=critical,
            )
            for o in orders
        )
    return screenings


def queries(browser, address):
    browser.get(address)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = browser.get(address)
    assert response.status_code == 200
    return len(captured)


def test_of_the_rejected_the_newest_come_first(scene, as_user):
    specimens = [scene.collected("hiv", screening=scene.screening(given=f"N{n}"))[0] for n in range(2)]
    for each in specimens:
        services.reject(each, because="leaked", by=scene.cast.lab)
    rows = as_user(scene.cast.lab).get(reverse("labs:bench"), {"tab": "rejected"}).context["page"].rows
    assert rows == sorted(specimens, key=lambda each: each.pk, reverse=True)


LISTS = [
    ("labs:bench", "?tab=collect", {}),
    ("labs:bench", "?tab=inside", {"state": "collected"}),
    ("labs:bench", "?tab=arrived", {"state": "resulted", "result": True}),
    ("labs:to_verify", "", {"state": "resulted", "result": True}),
]


@pytest.mark.parametrize(("name", "query", "crowd_of"), LISTS)
def test_long_lists_cost_no_more_queries(scene, as_user, name, query, crowd_of):
    browser, address = as_user(scene.cast.lsu), reverse(name) + query
    empty = queries(browser, address)
    crowd(scene, 1, **crowd_of)
    one = queries(browser, address)
    crowd(scene, 499, **crowd_of)
    many = queries(browser, address)
    # A page with rows asks for what belongs to them, once for all; there is nothing to ask for without rows.
    assert one == many
    assert empty <= one <= 18


@pytest.mark.parametrize(("name", "query", "crowd_of"), LISTS)
def test_every_row_is_on_exactly_one_page(scene, as_user, name, query, crowd_of):
    crowd(scene, 70, **crowd_of)
    if crowd_of.get("result"):
        crowd(scene, 60, critical=True, **crowd_of)
    browser, seen, after = as_user(scene.cast.lsu), [], ""
    while True:
        page = browser.get(reverse(name) + (query or "?") + f"&after={after}").context["page"]
        seen += [getattr(row, "result", row).pk for row in page.rows]
        after = page.after
        if not after:
            break
    assert len(seen) == len(set(seen)) == (130 if crowd_of.get("result") else 70)


def test_critical_results_come_first(scene, as_user):
    crowd(scene, 2, state="resulted", result=True)
    crowd(scene, 1, state="resulted", result=True, critical=True)
    rows = as_user(scene.cast.lsu).get(reverse("labs:to_verify")).context["page"].rows
    assert [row.result.critical for row in rows] == [True, False, False]


def test_a_page_key_that_is_none_is_the_first_page(scene, as_user):
    crowd(scene, 1)
    for name in ("labs:bench", "labs:to_verify"):
        assert as_user(scene.cast.lsu).get(reverse(name), {"after": "nonsense"}).status_code == 200


@pytest.mark.parametrize("tab", ["collect", "underway", "inside", "arrived", "rejected", "nonsense"])
def test_an_empty_bench_says_what_comes_there(scene, as_user, tab):
    response = as_user(scene.cast.lab).get(reverse("labs:bench"), {"tab": tab})
    assert 'class="empty"' in response.content.decode()


def test_the_bench_follows_a_tube(scene, as_user):
    browser = as_user(scene.cast.lab)

    def tab(name):
        return browser.get(reverse("labs:bench"), {"tab": name}).content.decode()

    screening = scene.ordered("hiv")
    assert "Zamir Testzada" in tab("collect")
    (specimen,) = scene.collected(screening=screening)
    assert "Zamir Testzada" not in tab("collect")
    assert specimen.accession in tab("underway")
    services.receive(specimen, by=scene.cast.lab)
    assert specimen.accession in tab("inside")
    services.enter(specimen.orders.get(), text="nr", by=scene.cast.lab)
    assert specimen.accession in tab("arrived")
    services.reject(specimen, because="clotted", by=scene.cast.lab)
    assert "clotted" in tab("rejected")
    assert "Zamir Testzada" in tab("collect")


def test_a_failed_run_asks_for_a_repeat(scene, as_user):
    (specimen,) = scene.received("hiv")
    LabOrder.objects.update(run_failed=True)
    browser = as_user(scene.cast.lab)
    for address in (reverse("labs:bench") + "?tab=inside", reverse("labs:specimen", args=[specimen.pk])):
        assert "repeat due" in browser.get(address).content.decode()


# Collecting


def test_collecting_with_the_face_compared_in_the_same_step(scene, as_user):
    screening = scene.ordered("hiv", "blood_count")
    browser, address = as_user(scene.cast.lab), reverse("labs:collect", args=[screening.pk])
    page = browser.get(address).content.decode()
    assert "I compared the face with the photo" in page
    assert "tube-serum" in page and "serum (red or gold)" in page
    response = browser.post(address, {"tube": ["serum-0", "edta-0"], "face": "yes"}, follow=True)
    specimens = Specimen.objects.filter(screening=screening)
    assert {each.tube for each in specimens} == {"serum", "edta"}
    text = response.content.decode()
    assert "2 tubes:" in text
    assert all(each.accession in text for each in specimens)
    assert "Print all labels" in text


def test_collecting_without_the_face_takes_nothing(scene, as_user):
    screening = scene.ordered("hiv")
    address = reverse("labs:collect", args=[screening.pk])
    response = as_user(scene.cast.lab).post(address, {"tube": ["serum-0"]}, follow=True)
    assert "Nobody has compared Zamir Testzada" in response.content.decode()
    assert not Specimen.objects.exists()


def test_a_refused_collection_keeps_no_comparison(scene, as_user):
    screening = scene.ordered("hiv")
    address = reverse("labs:collect", args=[screening.pk])
    response = as_user(scene.cast.lab).post(address, {"tube": [], "face": "yes"}, follow=True)
    assert "No tube was chosen" in response.content.decode()
    assert not services.is_identified(screening)


def test_the_second_sputum_is_held_for_another_day(scene, as_user):
    screening = scene.ordered("sputum")
    browser, address = as_user(scene.cast.lab), reverse("labs:collect", args=[screening.pk])
    assert [bool(tube.held) for tube in browser.get(address).context["tubes"]] == [False, True, True]
    browser.post(address, {"tube": ["sputum-1"], "face": "yes"})
    page = browser.get(address)
    assert [bool(tube.held) for tube in page.context["tubes"]] == [True, True]
    assert "one was taken today" in page.content.decode()


def test_a_double_click_collects_once(scene, as_user):
    screening = scene.ordered("hiv")
    browser, address = as_user(scene.cast.lab), reverse("labs:collect", args=[screening.pk])
    for _click in range(2):
        browser.post(address, {"tube": ["serum-0"], "face": "yes"})
    assert Specimen.objects.count() == 1


# Receiving


@pytest.mark.parametrize("change", [str, str.lower, lambda n: f" {n[:3]}-{n[3:]} ", lambda n: n.translate(PERSIAN)])
def test_a_scanned_label_is_received(scene, as_user, change):
    (specimen,) = scene.collected("hiv")
    response = as_user(scene.cast.lab2).post(
        reverse("labs:receive"), {"number": change(specimen.accession)}, follow=True
    )
    assert f"{specimen} received." in response.content.decode()
    specimen.refresh_from_db()
    assert specimen.received_by == scene.cast.lab2


PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


def test_any_tube_of_a_set_receives_the_set(scene, as_user):
    (specimen,) = scene.collected("tb_test")
    number = specimen.tubes.get(tube="tb2").number
    as_user(scene.cast.lab).post(reverse("labs:receive"), {"number": number})
    specimen.refresh_from_db()
    assert specimen.state == "received"


def test_what_cannot_be_received_is_said_in_a_sentence(scene, as_user):
    browser, address = as_user(scene.cast.lab), reverse("labs:receive")
    specimens = scene.received("hiv")
    for number, sentence in [
        (specimens[0].accession, "was already received, by Lab"),
        (compose("KBL", "", 26, 99999), "No tube has the number"),
        ("KBL2600001Z", "its check character does not fit"),
        ("", "This field is required"),
    ]:
        assert sentence in browser.post(address, {"number": number}).content.decode()


# Entering


def test_a_grid_files_what_was_typed_and_leaves_the_rest(scene, as_user):
    (specimen,) = scene.received("blood_count")
    orders = {order.test.key: order for order in specimen.orders.all()}
    address = reverse("labs:enter", args=[orders["hb"].pk])
    browser = as_user(scene.cast.lab)
    page = browser.get(address).content.decode()
    assert "13 – 17" in page and "unverified" in page and "g/dL" in page
    response = browser.post(address, {str(orders["hb"].pk): "۱۳٫۵", str(orders["wbc"].pk): "6.1"}, follow=True)
    assert "2 results entered." in response.content.decode()
    assert set(LabResult.objects.values_list("order__test__key", "as_sent")) == {("hb", "۱۳٫۵"), ("wbc", "6.1")}
    assert str(orders["plt"].pk) in browser.get(address).context["form"].fields


def test_a_wrong_row_files_nothing_and_loses_nothing(scene, as_user):
    (specimen,) = scene.received("blood_count")
    orders = {order.test.key: order for order in specimen.orders.all()}
    response = as_user(scene.cast.lab).post(
        reverse("labs:enter", args=[orders["hb"].pk]),
        {str(orders["hb"].pk): "13.5", str(orders["wbc"].pk): "6,1"},
    )
    page = response.content.decode()
    assert "White cells: write the decimal mark as a point" in page
    assert 'value="13.5"' in page and 'value="6,1"' in page
    assert not LabResult.objects.exists()


def test_an_empty_grid_is_refused(scene, as_user):
    (specimen,) = scene.received("hiv")
    response = as_user(scene.cast.lab).post(reverse("labs:enter", args=[specimen.orders.get().pk]), {})
    assert "Type at least one result" in response.content.decode()


def test_the_last_verified_value_stands_beside_the_new_one(scene, as_user):
    screening = scene.screening()
    result = scene.entered("creatinine", "crea", "0.85", screening=screening)
    services.verify(result, by=scene.cast.lsu)
    (specimen,) = scene.received("creatinine", screening=screening)
    order = specimen.orders.get()
    rows = as_user(scene.cast.lab).get(reverse("labs:enter", args=[order.pk])).context["rows"]
    assert [row.before.shown for row in rows] == ["0.85"]
    services.enter(order, text="0.9", by=scene.cast.lab)
    assert "0.85" in as_user(scene.cast.lsu).get(reverse("labs:to_verify")).content.decode()


# Verifying


def test_what_she_typed_herself_needs_another_person(scene, as_user):
    scene.entered("creatinine", "crea", "0.9", by=scene.cast.lsu)
    page = as_user(scene.cast.lsu).get(reverse("labs:to_verify")).content.decode()
    assert "You entered Creatinine yourself: it needs another person." in page
    assert 'name="result"' not in page


def test_a_technician_sees_what_waits_for_a_supervisor(scene, as_user):
    scene.entered("hiv", "hiv_combo", "nr")
    page = as_user(scene.cast.lab2).get(reverse("labs:to_verify")).content.decode()
    assert "needs a laboratory supervisor" in page
    assert 'name="result"' not in page


def test_a_batch_is_verified_and_usual_values_are_marked_beforehand(scene, as_user):
    (specimen,) = scene.received("blood_count")
    values = {"hb": "14", "wbc": "12", "plt": "20"}
    for order in specimen.orders.all():
        services.enter(order, text=values[order.test.key], by=scene.cast.lab)
    browser = as_user(scene.cast.lsu)
    page = browser.get(reverse("labs:to_verify"))
    first = page.context["page"].rows[0]
    assert (first.result.order.test.key, first.flag) == ("plt", "LL")
    assert {row.flag for row in page.context["page"].rows} == {"LL", "H", ""}
    assert " checked>" not in page.content.decode()
    usual = browser.get(reverse("labs:to_verify"), {"choose": "usual"})
    assert [row.flag for row in usual.context["page"].rows if row.chosen] == [""]
    assert usual.content.decode().count(" checked>") == 1
    keys = [row.result.pk for row in page.context["page"].rows if not row.result.critical]
    response = browser.post(reverse("labs:to_verify"), {"result": keys}, follow=True)
    assert "2 results verified." in response.content.decode()
    assert LabResult.objects.filter(state="filed").get().order.test.key == "plt"


def test_an_empty_batch_says_what_to_do(scene, as_user):
    response = as_user(scene.cast.lsu).post(reverse("labs:to_verify"), {"result": ["nonsense"]}, follow=True)
    assert "Mark the results you agree with" in response.content.decode()


def test_a_correction_is_shown_with_what_it_replaces(scene, as_user):
    result = scene.entered("creatinine", "crea", "9.1")
    browser = as_user(scene.cast.lab)
    response = browser.post(reverse("labs:correct", args=[result.pk]), {"text": "0.91", "because": "one digit too far"})
    assert response.status_code == 302
    page = as_user(scene.cast.lsu).get(reverse("labs:to_verify")).content.decode()
    assert "0.91" in page and "replaces" in page and "9.1" in page


def test_a_rejected_result_waits_for_another_run(scene, as_user):
    result = scene.entered("creatinine", "crea", "0.9")
    address, browser = reverse("labs:reject_result", args=[result.pk]), as_user(scene.cast.lsu)
    assert "Creatinine" in browser.get(address).content.decode()
    assert "This field is required" in browser.post(address, {"because": ""}).content.decode()
    assert "another run" in browser.post(address, {"because": "clot seen"}, follow=True).content.decode()
    assert LabOrder.objects.get(pk=result.order_id).state == "collected"


def test_the_page_of_a_specimen_tells_its_whole_way(scene, as_user):
    result = scene.entered("creatinine", "crea", "0.9")
    services.verify(result, by=scene.cast.lsu)
    services.correct(result, text="1.9", because="typed wrong", by=scene.cast.lab)
    specimen = result.order.specimen
    page = as_user(scene.cast.lsu).get(reverse("labs:specimen", args=[specimen.pk])).content.decode()
    for words in ("typed wrong", "version 2", "verified by", "replaced by a later version", specimen.accession):
        assert words in page
    assert Access.objects.filter(label="labs.specimen", key=str(specimen.pk), action="open").exists()


def test_rejecting_a_tube_on_its_page(scene, as_user):
    (specimen,) = scene.received("hiv")
    address, browser = reverse("labs:reject", args=[specimen.pk]), as_user(scene.cast.lab)
    assert "Choose why" in browser.post(address, {"because": ""}, follow=True).content.decode()
    assert (
        "1 test must be collected again" in browser.post(address, {"because": "leaked"}, follow=True).content.decode()
    )
    assert "is rejected already" in browser.post(address, {"because": "leaked"}, follow=True).content.decode()


@pytest.mark.parametrize("language", ["fa-af", "ps"])
def test_pages_in_the_other_script(scene, as_user, language):
    result = scene.entered("creatinine", "crea", "0.9")
    browser = as_user(scene.cast.lsu)
    browser.cookies["django_language"] = language
    for address in (
        reverse("labs:bench"),
        reverse("labs:to_verify"),
        reverse("labs:receive"),
        reverse("labs:specimen", args=[result.order.specimen_id]),
    ):
        assert 'dir="rtl"' in browser.get(address).content.decode()
