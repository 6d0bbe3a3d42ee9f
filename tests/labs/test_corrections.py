"""Whoever relied on a value that was corrected is told; a run that failed is a repeat that is due; tests can be added."""

import pytest
from django.urls import reverse

from mhac.labs import services
from mhac.labs.models import LabOrder, LabResult, Specimen, Test

pytestmark = pytest.mark.django_db


@pytest.fixture
def result(scene, cast):
    item, test = next((one.items[0], one.key) for one in Test.objects.filter(kind="numeric", tube="serum") if one.items)
    return services.verify(scene.entered(item, test, "1"), by=cast.lsu)


def page(client, result):
    return client.get(reverse("labs:specimen", args=[result.order.specimen_id]))


def test_whoever_looked_before_sees_that_it_was_corrected(as_user, cast, result):
    reader, stranger = as_user(cast.phy), as_user(cast.cli)
    assert "corrected since you looked" not in page(reader, result).text
    services.correct(result, text="1.1", because="Wrong dilution.", by=cast.lab)
    told = page(reader, result).text
    assert "corrected since you looked" in told
    assert "version 2" in told
    assert "corrected since you looked" not in page(reader, result).text
    assert "corrected since you looked" not in page(stranger, result).text


def test_whoever_verified_it_is_told_on_the_bench_until_she_opens_the_tube(as_user, cast, result):
    client, bench = as_user(cast.lsu), reverse("labs:bench")
    assert "Corrected since you verified it." not in client.get(bench).text
    services.correct(result, text="1.1", because="Wrong dilution.", by=cast.lab)
    assert "Corrected since you verified it." in client.get(bench).text
    assert "Corrected since you verified it." not in as_user(cast.lab2).get(bench).text
    page(client, result)
    assert "Corrected since you verified it." not in client.get(bench).text


def test_a_failed_run_is_a_repeat_that_is_due(as_user, cast, scene, result):
    order = LabOrder.objects.get(pk=result.order_id)
    bench = reverse("labs:bench") + "?tab=repeat"
    assert "No run failed." in as_user(cast.lab).get(bench).text
    order.state, order.run_failed = LabOrder.State.COLLECTED, True
    order.save()
    shown = as_user(cast.lab).get(bench).text
    assert "repeat due" in shown
    assert order.specimen.accession in shown


def more(tube):
    return Test.objects.filter(active=True, tube=tube.tube).exclude(orders__specimen=tube).first()


def test_a_clinician_adds_a_test_to_a_tube(as_user, cast, result):
    tube = result.order.specimen
    test, url = more(tube), reverse("labs:add_test", args=[tube.pk])
    assert as_user(cast.lsu).post(url, {"test": test.pk, "because": "asked again"}).status_code == 403
    assert as_user(cast.herat_phy).post(url, {"test": test.pk, "because": "asked again"}).status_code == 404
    client = as_user(cast.phy)
    assert "Choose a test of this tube" in client.post(url, {"test": test.pk, "because": ""}, follow=True).text
    told = client.post(url, {"test": test.pk, "because": "Asked for by telephone."}, follow=True).text
    assert "is ordered on this tube." in told
    made = LabOrder.objects.get(specimen=tube, test=test)
    assert (made.state, made.ordered_by, made.because) == ("collected", cast.phy, "Asked for by telephone.")
    assert (
        "Choose a test of this tube" in client.post(url, {"test": test.pk, "because": "twice over"}, follow=True).text
    )
    assert LabOrder.objects.filter(specimen=tube, test=test).count() == 1


def test_what_cannot_be_added_is_refused_with_a_sentence(cast, result):
    tube = result.order.specimen
    test, other = more(tube), Test.objects.filter(active=True).exclude(tube=tube.tube).first()
    for given, told in (
        ({"test": other, "because": "asked"}, "needs another tube"),
        ({"test": result.order.test, "because": "asked"}, "stands on this tube already"),
        ({"test": test, "because": " "}, "Say why"),
    ):
        with pytest.raises(services.Refused, match=told):
            services.add_test(tube, by=cast.phy, **given)
    Specimen.objects.filter(pk=tube.pk).update(state=Specimen.State.REJECTED)
    with pytest.raises(services.Refused, match="on a new tube"):
        services.add_test(tube, test=test, because="asked", by=cast.phy)
    assert LabResult.objects.count() == 1


def test_every_place_shows_what_it_was_and_the_decision_is_asked_again(as_user, cast, result):
    screening, marks = result.screening, []

    def marked():
        marks.append(type(screening).objects.get(pk=screening.pk).facts_changed_at)
        return len(set(marks)) == len(marks)

    assert marked()
    new = services.correct(result, text="1.1", because="Wrong dilution.", by=cast.lab)
    assert marked()
    review = reverse("desk:review", args=[screening.pk])
    for reader, address in (
        (cast.phy, review),
        (cast.lsu, reverse("labs:to_verify")),
        (cast.cli, reverse("labs:specimen", args=[result.order.specimen_id])),
    ):
        text = as_user(reader).get(address).text
        assert result.shown in text and new.shown in text and "Wrong dilution." in text, address
        assert "<s>" in text or 'class="void"' in text
    services.reject_result(new, because="Tube mixed up.", by=cast.lsu)
    assert marked()
    assert "Tube mixed up." in as_user(cast.phy).get(review).text
