"""Who can result what at a site: analyzers, hands, and who opens a locked assay."""

from django.urls import reverse
from django.utils import timezone

from lab_integration import coverage
from lab_integration.models import Analyzer
from mhac.accounts.models import RoleGrant
from mhac.labs import controls, lint
from mhac.labs.models import AssayLock, Test


def test_the_lint_knows_what_analyzers_measure_and_who_types(scene, as_user, kabul):
    profile = {"code_map": [{"code": "HGB", "test": "hb", "unit": "g/dL"}, {"code": "OLD", "test": "gone", "unit": ""}]}
    analyzer = Analyzer.objects.create(clinic=kabul, name="Counter", addresses=["10.0.0.9"], profile=profile)
    people, address = [scene.cast.lab, scene.cast.lsu], reverse("lab_integration:tests_measured")
    (site,) = coverage.of_sites([kabul])
    assert [test.key for test in site.measured] == ["hb"] and site.typed and len(people) == 2
    assert "wbc" in {test.key for test in site.by_hand} and site.strange == [(analyzer, "gone")]
    shown = as_user(scene.cast.lsu).get(address).text
    assert "they are typed by hand" in shown and "Counter maps a code to “gone”" in shown
    assert address in as_user(scene.cast.lsu).get(reverse("labs:catalogue_lint")).text
    assert as_user(scene.cast.cli).get(address).status_code == 403
    # An analyzer that is only listened to measures nothing; where nobody types, nothing else can be resulted.
    Analyzer.objects.update(listening=True)
    RoleGrant.objects.filter(group__permissions__codename="add_labresult").delete()
    (site,) = coverage.of_sites([kabul])
    assert site.measured == [] and not site.typed
    assert "nobody may type here" in as_user(scene.cast.adm).get(address).text


def test_a_locked_assay_says_who_can_open_it(scene, as_user, kabul):
    lock = AssayLock.objects.create(
        clinic=kabul, test=Test.objects.get(key="hb"), because="1-3s", locked_at=timezone.now()
    )
    address, lsu = reverse("labs:assay_lock", args=[lock.pk]), as_user(scene.cast.lsu)
    assert controls.openers(kabul) == []
    assert "this site has no quality officer" in lsu.get(address).text
    says = {each.text for each in lint.of_site(kabul, Test.objects.all())}
    assert any("may open a locked assay" in text for text in says)
    assert lsu.post(reverse("labs:open_assay", args=[lock.pk])).status_code == 403
    # The quality officer of the whole network can, wherever there is none of the site.
    RoleGrant.objects.filter(user=scene.cast.qco).update(clinic=None)
    assert controls.openers(kabul) == [scene.cast.qco.full_name]
    assert scene.cast.qco.full_name in lsu.get(address).text
    assert not any("locked assay" in each.text for each in lint.of_site(kabul, Test.objects.all()))
