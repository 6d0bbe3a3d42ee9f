"""Results of a person with two records: they arrive where they were ordered, and are read as one person's."""

import threading
from decimal import Decimal

import pytest
from django.db import connection

from mhac.labs import bench, matching, services
from mhac.labs.models import LabOrder, LabResult, Specimen
from mhac.patients import services as patients
from mhac.patients.models import Patient
from mhac.screenings.models import Screening


def result_of(order, text="1.0"):
    reading = matching.Reading("crea", matching.Value(number=Decimal(text)), "mg/dL")
    return matching.Line(1, order.specimen.accession, matching.Person(), {"": reading}, as_sent=text)


@pytest.mark.django_db(transaction=True)
def test_joining_and_parting_while_results_stream_in_loses_none(scene):
    """REL-25 and REL-26 in small: every tube keeps its record, every result its tube, and a parting only parts."""
    cast = scene.cast.lab and scene.cast.rec and scene.cast.mgr and scene.cast
    people = [scene.screening(given=f"Two{n % 2}") for n in range(20)]
    orders = []
    for each in people:
        (tube,) = scene.collected("creatinine", screening=each)
        orders.append(LabOrder.objects.select_related("specimen").get(specimen=tube, test__key="crea"))
    pairs = [(people[n].patient, people[n + 1].patient) for n in range(0, 20, 2)]
    before = set(Specimen.objects.values_list("accession", "screening__patient"))
    outcomes = []

    def stream():
        try:
            for order in orders:
                outcomes.extend(
                    services.record_results([result_of(order)], instrument="Test analyzer", rules=matching.Rules())
                )
        finally:
            connection.close()

    streaming = threading.Thread(target=stream)
    streaming.start()
    links = []
    for one, other in pairs:
        proposal = patients.propose_merge(one, other, because="The same man", by=cast.rec)
        links.append(patients.merge(proposal, by=cast.mgr))
        if len(links) % 2:
            patients.propose_parting(links[-1], because="Two brothers", by=cast.rec)
            patients.part(links.pop(), by=cast.mgr)
            links.append(None)
    streaming.join()
    assert len(outcomes) == 20 and all(each.result for each in outcomes)
    assert set(Specimen.objects.values_list("accession", "screening__patient")) == before
    found = {
        result.screening_id: result.order.specimen.accession
        for result in LabResult.objects.select_related("order__specimen")
    }
    assert found == {order.screening_id: order.specimen.accession for order in orders}
    for link, (one, other) in zip(links, pairs, strict=True):
        whose = {row.patient_id for row in Screening.objects.of(Patient.objects.get(pk=one.pk))}
        assert whose == ({one.pk, other.pk} if link else {one.pk})


def test_earlier_results_are_those_of_every_record_and_a_held_person_gives_no_specimen(scene):
    cast, old, new = scene.cast, scene.screening(given="Zamir"), scene.screening(given="Zameer")
    for screening, value in ((old, "0.9"), (new, "1.4")):
        (tube,) = scene.collected("creatinine", screening=screening)
        order = LabOrder.objects.select_related("specimen").get(specimen=tube, test__key="crea")
        services.record_results([result_of(order, value)], instrument="Test analyzer", rules=matching.Rules())
    first, second = LabResult.objects.select_related("screening__patient", "order__test").order_by("id")
    services.verify(first, by=cast.lab)
    assert bench.earlier([second]) == {}
    link = patients.propose_merge(old.patient, new.patient, because="The same man", by=cast.rec)
    patients.merge(link, by=cast.mgr)
    second = LabResult.objects.select_related("screening__patient", "order__test").get(pk=second.pk)
    assert list(bench.earlier([second]).values()) == [first]
    scene.ordered("glucose", screening=new)
    scene.face(new, confirmed=False)
    scene.face(new)
    orders = LabOrder.objects.filter(screening=new, state="ordered")
    with pytest.raises(services.Refused, match=r"^Ask the site manager before you go on with"):
        services.collect(new, orders=orders, by=cast.lab)
