"""What a stranger learns: the state, and with a printed fact what the paper says; never more, never for an unknown."""

import base64
import datetime
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.cache import cache
from django.urls import reverse

from mhac.accounts.models import Access
from mhac.certificates import seal, services, verification
from mhac.certificates.models import Certificate
from mhac.clinics.numbers import certificate_number
from mhac.decisions import services as decisions
from mhac.decisions.models import SignOff
from tests.certificates import made

pytestmark = pytest.mark.django_db
PAGE = "/documents/verify/"


@pytest.fixture(autouse=True)
def nobody_asked_yet(db):
    cache.clear()


def asked(client, typed, fact=""):
    return client.post(PAGE, {"typed": typed, "fact": fact})


def text(answer):
    return answer.content.decode()


def state(answer):
    return answer.context["answer"].state


def test_anybody_may_open_the_page(client):
    answer = client.get(PAGE)
    assert answer.status_code == 200 and "Is this paper from us?" in text(answer)
    assert "noindex" in text(answer) and reverse("certificates:verify") == PAGE


def test_a_number_says_valid_and_nothing_else(issued, client):
    answer = asked(client, issued.number)
    assert state(answer) == "valid"
    for secret in ("Gulalai", "Testi", "P07654321", "1990", "Canada", "Kabul"):
        assert secret not in text(answer).split("</header>", 1)[1]
    assert not Access.objects.exists()


@pytest.mark.parametrize(
    "dress", [str.lower, lambda n: n.replace("-", ""), lambda n: f"  {n} ", lambda n: n.replace("-", " ")]
)
def test_a_number_may_be_typed_as_people_type(dress, issued, client):
    assert state(asked(client, dress(issued.number))) == "valid"


def test_the_text_of_the_code_says_the_same(issued, client):
    assert state(asked(client, issued.seal)) == "valid"
    assert state(asked(client, issued.seal + "\r\n")) == "valid"


@pytest.mark.parametrize("fact", ["1990-05-10", "321", " 3 2 1 ", "۳۲۱", "۱۹۹۰-۰۵-۱۰"])
def test_with_a_printed_fact_it_says_what_the_paper_says(fact, issued, client):
    answer = asked(client, issued.number, fact)
    assert "Gulalai Testi" in text(answer) and "immigration medical examination" in text(answer).lower()
    for secret in ("P07654321", "Grade", "HIV", "normal", "Canada"):
        assert secret not in text(answer).split("</header>", 1)[1]
    access = Access.objects.get()
    assert (access.user, access.action, access.key) == (None, "verify", str(issued.pk))


@pytest.mark.parametrize("fact", ["1990-05-11", "322", "21", "P07654321", "Gulalai", "-", "10-05-1990"])
def test_a_wrong_fact_says_no_more_than_the_number(fact, issued, client):
    answer = asked(client, issued.number, fact)
    assert state(answer) == "valid" and "Testi" not in text(answer) and not Access.objects.exists()


def test_an_unknown_number_looks_the_same_with_and_without_a_fact(issued, client):
    unknown = certificate_number("KBL")
    for fact in ("", "1990-05-10"):
        known_page, unknown_page = asked(client, issued.number, fact or "000"), asked(client, unknown, fact or "000")
        assert state(unknown_page) == "unknown"
        assert known_page.status_code == unknown_page.status_code == 200
    plain, strange = text(asked(client, issued.number, "000")), text(asked(client, unknown, "000"))
    assert plain.count("<") == strange.count("<")


@pytest.mark.parametrize(
    "typed", ["KBL-1", "hello", "<script>alert(1)</script>", "HC1:6BF", "MHAC1:", "MHAC1:ABC", "٣"]
)
def test_anything_else_is_unknown_and_only_text(typed, client):
    answer = asked(client, typed)
    assert state(answer) == "unknown" and "<script>alert" not in text(answer)


def test_a_number_with_a_wrong_check_sign_is_unknown(issued, client):
    wrong = issued.number[:-1] + ("0" if issued.number[-1] != "0" else "1")
    assert state(asked(client, wrong)) == "unknown"


def test_a_changed_code_is_unknown(issued, client):
    changed = issued.seal[:50] + ("A" if issued.seal[50] != "A" else "B") + issued.seal[51:]
    assert state(asked(client, changed)) == "unknown"


def test_a_code_by_a_strange_key_is_unknown(issued, client):
    stranger = seal.Key(Ed25519PrivateKey.generate(), training=False)
    claims = {"iss": "KBL", "typ": "TB-CLR", "cid": issued.number, "out": "CLEARED"}
    assert state(asked(client, seal.seal(claims, stranger))) == "unknown"


def test_another_code_of_ours_under_the_same_number_is_unknown(issued, client, key):
    claims = {"iss": "KBL", "typ": "TB-CLR", "cid": issued.number, "out": "CLEARED"}
    assert state(asked(client, seal.seal(claims, key))) == "unknown"


def test_a_training_code_is_called_so_at_a_real_clinic(client, key):
    training = seal.Key(Ed25519PrivateKey.generate(), training=True)
    answer = asked(client, seal.seal({"iss": "KBL", "cid": certificate_number("KBL")}, training))
    assert state(answer) == "unknown" and "TRAINING. This is not a real document." in text(answer)


def test_a_training_document_says_so_loudly(kabul, cast, key_file, settings, client):
    settings.TRAINING = True
    seal.create_key(key_file, training=True)
    issued = services.issue(made.signed(kabul, cast), by=cast.phy)
    for typed in (issued.number, issued.seal):
        said = text(asked(client, typed))
        assert "TRAINING. This is not a real document." in said
        assert "counts today" not in said and "status-green" not in said and "verdict-green" not in said


@pytest.mark.parametrize(
    ("happening", "found"),
    [
        (lambda issued, cast: made.write_a_note(issued.screening), "valid"),
        (lambda issued, cast: made.change_a_fact(issued.screening, cast), "suspended"),
        (lambda issued, cast: decisions.withdraw(SignOff.objects.get(), by=cast.phy, because="Wrong."), "suspended"),
        (lambda issued, cast: services.revoke(issued, by=cast.mgr, because="Wrong paper."), "revoked"),
        (lambda issued, cast: Certificate.objects.update(state="superseded"), "superseded"),
        (lambda issued, cast: Certificate.objects.update(valid_until=datetime.date(2026, 1, 1)), "expired"),
    ],
)
def test_the_state_is_that_of_this_moment(happening, found, issued, cast, client):
    happening(issued, cast)
    for typed in (issued.number, issued.seal):
        assert state(asked(client, typed)) == found


def test_the_reason_of_a_revocation_is_nobody_s_business(issued, cast, client):
    services.revoke(issued, by=cast.mgr, because="An HIV result was exchanged.")
    answer = text(asked(client, issued.number, "1990-05-10"))
    assert "HIV" not in answer and "exchanged" not in answer


def test_a_fit_to_travel_page_does_not_say_why_somebody_travels(kabul, cast, key, client):
    issued = services.issue(made.signed(kabul, cast, "returnee-avrr"), by=cast.phy)
    answer = text(asked(client, issued.number, "321"))
    assert "Testa" in answer and "Return" not in answer and "voluntary" not in answer


def test_who_asks_too_fast_waits(issued, client):
    for _ in range(verification.ASKS_A_MINUTE):
        assert asked(client, "KBL-1").status_code == 200
    answer = asked(client, issued.number)
    assert answer.status_code == 429 and "Wait some minutes" in text(answer) and answer.context["answer"] is None
    assert client.get(PAGE).status_code == 200


def test_three_signs_cannot_be_guessed(issued, client):
    for guess in range(verification.FACTS_AN_HOUR):
        assert asked(client, issued.number, f"{guess:03d}").status_code == 200
    assert asked(client, issued.number, "321").status_code == 429
    assert state(asked(client, issued.number)) == "valid"


def test_the_published_keys_are_enough_to_verify_without_us(issued, client, cast):
    answer = json.loads(client.get("/documents/keys.json").content)
    assert answer["format"] == "mhac-cert/1" and answer["no_longer_valid"] == []
    (published,) = answer["keys"]
    public = base64.urlsafe_b64decode(published["x"] + "=")
    assert seal.verify(issued.seal, {published["kid"]: public})["cid"] == issued.number
    assert "d" not in published


def test_what_no_longer_counts_can_be_known_without_a_network(issued, client, cast):
    services.revoke(issued, by=cast.mgr, because="Wrong paper.")
    answer = json.loads(client.get("/documents/keys.json").content)
    assert answer["no_longer_valid"] == [verification.hash_of(issued.number)]
    assert issued.number not in json.dumps(answer)


def test_no_number_is_found_by_guessing(issued):
    guessed = [certificate_number("KBL") for _ in range(2000)]
    assert not Certificate.objects.filter(number__in=guessed).exists()


def test_what_the_scan_box_read_stands_in_the_form(issued, client):
    answer = client.get(PAGE, {"typed": issued.number})
    assert f'value="{issued.number}"' in text(answer) and answer.context["answer"] is None
