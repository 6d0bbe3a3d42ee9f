import datetime
import random

import pytest

from mhac.clinics import numbers
from mhac.patients import matching
from mhac.patients.models import Patient


@pytest.mark.parametrize(
    "spellings",
    [
        "Mohammad Muhammad Mohd Muhammed Mohamad محمد",
        "Ahmad Ahmed احمد",
        "Ali علی علي",
        "Fatima Fatema Fatimah فاطمه فاطمة",
        "Gulalai Golalai گلالی ګلالۍ",
        "Nawid Naweed Navid نوید",
        "Omar Umar عمر",
        "Yusuf Yousef Yosuf یوسف",
        "Ghulam Gholam غلام",
        "Qader Qadir قادر",
        "Khalid Khaled خالد",
        "Abdullah Abdollah عبدالله",
        "Hussain Hosein Hussein حسین",
        "Shafiq شفیق شفيق",
        "Zainab Zeynab زینب",
    ],
)
def test_one_name_sounds_one_way(spellings):
    assert len({matching.sound(word) for word in spellings.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("Karim", "Rahim"), ("Nasir", "Nadir"), ("Ali", "Wali"), ("Zahra", "Sara"), ("کریم", "رحیم")]
)
def test_different_names_sound_different(one, other):
    assert matching.sound(one) != matching.sound(other)


@pytest.mark.parametrize("nothing", ["", " ", "123", "؟", "-", "\u200c"])
def test_nothing_sounds_like_nothing(nothing):
    assert matching.sounds(nothing) == []


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("كريم", "کریم"),
        ("عليرضا", "علیرضا"),
        ("۱۳۷۱", "1371"),
        ("GÜL", "gul"),
        ("مُحَمَّد", "محمد"),
        ("Abdul-Karim", "abdul karim"),
    ],
)
def test_keyboards_write_one_letter_in_many_ways(typed, same):
    assert matching.fold(typed) == matching.fold(same)


GIVEN = {
    "Mohammad": ["Muhammad", "Mohd", "Mohammed"], "Ahmad": ["Ahmed"], "Nasir": ["Naser", "Nasser"],
    "Yusuf": ["Yousef", "Yosuf"], "Qadir": ["Qader", "Ghader"], "Khalid": ["Khaled"], "Omar": ["Umar"],
    "Hussain": ["Hussein", "Hosein"], "Nawid": ["Naweed", "Navid"], "Fatima": ["Fatema", "Fatimah"],
    "Zainab": ["Zeynab"], "Gulalai": ["Golalai"], "Shafiq": ["Shafeeq"], "Abdullah": ["Abdollah"], "Karim": ["Kareem"],
    "Rahim": ["Raheem"], "Latifa": ["Latifah"], "Maryam": ["Mariam"], "Wahid": ["Waheed"], "Farid": ["Fareed"],
}  # fmt: skip
FAMILY = ["Namuna", "Tamrin", "Misal", "Azmoon", "Qalib", "Olgo", "Tarh", "Mashq", "Tajriba", "Mesaq"]


def written_otherwise(rng, names, born):
    """The same invented person as another clerk wrote her down: other spellings, a name left out, only a year."""
    names = [rng.choice([name, *GIVEN.get(name, [])]) for name in names]
    if len(names) > 2 and rng.random() < 0.3:
        names.pop(rng.choice([0, 2]))
    year = rng.random() < 0.3
    span = (datetime.date(born.year, 1, 1), datetime.date(born.year, 12, 31)) if year else (born, born)
    return " ".join(names), *span


def test_the_same_person_is_among_three_suggestions(kabul):
    """500 invented people and 300 re-registrations: recall of at least 95 %, never more than three suggestions."""
    rng = random.Random(3)
    people = []
    for n in range(500):
        names = [*rng.sample(list(GIVEN), 2), rng.choice(FAMILY)]
        born = datetime.date(1960, 1, 1) + datetime.timedelta(days=rng.randrange(20000))
        person = Patient(
            clinic=kabul, number=numbers.compose("KBL", "P", 2026, n), given_name=" ".join(names[:2]),
            family_name=names[2], sex="male", born_earliest=born, born_latest=born,
        )  # fmt: skip
        person.search_key = matching.search_key((person.given_name, person.family_name))
        people.append((person, names, born))
    Patient.objects.bulk_create(person for person, _names, _born in people)
    found = 0
    for person, names, born in rng.sample(people, 300):
        suggested = Patient.objects.resembling(*written_otherwise(rng, names, born))
        assert len(suggested) <= 3
        found += person in suggested
    assert found >= 285, f"{found} of 300"
