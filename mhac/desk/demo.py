"""The training clinic: three sites, every role, families in every stage. Everybody is invented, and named so.

The family names are Dari words for "sample", "exercise", "pattern" and the like; documents carry the letters XX.
"""

import datetime
import io
from collections.abc import Callable
from dataclasses import dataclass, field

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone
from PIL import Image, ImageDraw

from mhac.accounts.models import RoleGrant, User
from mhac.appointments import services as appointments
from mhac.appointments.models import Slot
from mhac.certificates import services as certificates
from mhac.clinics.models import Clinic
from mhac.clinics.numbers import uuid7
from mhac.decisions import services as decisions
from mhac.desk import demo_boxes, demo_controls, demo_payments, demo_queue, demo_rosters, waiting
from mhac.exams.models import ChestXray, MedicalHistory, PhysicalExam, Pregnancy, Vitals
from mhac.exams.words import SYSTEMS
from mhac.labs import catalogue
from mhac.labs import services as labs
from mhac.labs.models import LabOrder, LabResult, Specimen
from mhac.partners.models import Agreement, Member, PartnerOrganisation
from mhac.patients import services as patients
from mhac.patients.models import Patient
from mhac.screenings import services as screenings
from mhac.screenings.models import Consent, ProgrammeState

PASSWORD = "kabul-training-2026"  # noqa: S105 - printed for everybody, for training clinics only

# code, name, kind, province, altitude in metres
SITES = [
    ("KBL", "Kabul Centre", Clinic.Kind.CENTRE, "Kabul", 1790),
    ("HRT", "Herat Sub-office", Clinic.Kind.SUB_OFFICE, "Herat", 920),
    ("TKM", "Torkham Border Post", Clinic.Kind.BORDER_POST, "Nangarhar", 690),
]

# user name, full name, role, site (None: whole network)
STAFF = [
    ("reception", "Rabia Tamrin", "REC", "KBL"),
    ("nurse", "Nargis Tamrin", "CLI", "KBL"),
    ("radiology", "Rostam Tamrin", "RAD", "KBL"),
    ("lab", "Laila Tamrin", "LAB", "KBL"),
    ("lab2", "Latif Tamrin", "LAB", "KBL"),
    ("supervisor", "Suraya Tamrin", "LSU", "KBL"),
    ("supervisor2", "Sabera Tamrin", "LSU", "KBL"),
    ("quality", "Qasim Tamrin", "QCO", "KBL"),
    ("physician", "Dr Parwin Tamrin", "PHY", "KBL"),
    ("manager", "Mina Tamrin", "MGR", "KBL"),
    ("data", "Daud Tamrin", "DAT", None),
    ("protection", "Pari Tamrin", "PRO", "KBL"),
    ("auditor", "Aziz Tamrin", "AUD", None),
    ("admin", "Adila Tamrin", "ADM", None),
    ("herat", "Hamida Tamrin", "REC", "HRT"),
    ("herat_nurse", "Hanifa Tamrin", "CLI", "HRT"),
    ("herat_physician", "Dr Habib Tamrin", "PHY", "HRT"),
    ("torkham", "Tamim Tamrin", "CLI", "TKM"),
]

# user name, full name, organisation code, organisation, kind, country, programme
PARTNERS = [
    ("canada", "Maple Desk", "training-canada", "Training Authority Canada", "embassy", "CAN", "ca"),
    ("uk", "Thistle Desk", "training-uk", "Training Authority United Kingdom", "embassy", "GBR", "uk-tb"),
    ("mission", "Return Desk", "training-mission", "Training Sending Mission", "mission", "DEU", "returnee-avrr"),
]

# user name, role, what to try; the command that starts the clinic prints them
LOGINS = [
    (
        "reception",
        "receptionist",
        "Today: mark the Namuna family arrived; New family: paste the passport of the README",
    ),
    ("nurse", "nurse or clinician", "Today: vitals, history and examination of who has arrived"),
    ("radiology", "radiographer", "X-ray: take and read a film"),
    ("lab", "laboratory technician", "Bench: collect tubes, print labels; the simulated analyzer answers by itself"),
    ("supervisor", "laboratory supervisor", "To verify: verify what the analyzer sent and what a technician typed"),
    ("physician", "panel physician", "To decide: read one page, sign, issue the document"),
    ("canada", "partner (Canada)", "Documents: download the summaries of this programme, and only these"),
    ("uk", "partner (United Kingdom)", "Documents: download the certificates of this programme"),
    ("manager", "site manager", "Programmes: pause one, read first what it means; Today"),
    ("auditor", "auditor", "Access log: who opened what"),
    ("admin", "administrator", "Users and their roles; no patients"),
]


# programme, state, people a day, reason, risk note: decided at Kabul
STATES = [
    ("uk-tb", "limited", 12, "Training: a measured start", "Training: twelve people a day can be received safely."),
    ("au-humanitarian", "paused", None, "Training: the partner asked us to wait", ""),
]


@dataclass(frozen=True)
class Person:
    given: str
    native: str
    sex: str
    born: datetime.date
    relation: str = "head"
    father: str = "Tamrin"
    hue: int = 0


@dataclass(frozen=True)
class Family:
    """A family and how far it has come; `stage` is one of STAGES, `then` tells what its members have for themselves."""

    site: str
    programme: str
    family_name: str
    stage: str
    people: list[Person] = field(default_factory=list)
    reference: str = ""
    then: Callable = lambda members, users: None


STAGES = [
    "registered",
    "booked",
    "arrived",
    "measured",
    "examined",
    "filmed",
    "collected",
    "resulted",
    "verified",
    "signed",
    "issued",
]
D = datetime.date

FAMILIES = [
    Family("KBL", "ca", "Namuna", "booked", reference="IME", people=[
        Person("Gul Agha", "گل آغا نمونه", "male", D(1986, 5, 14), "head", "Karim", 30),
        Person("Zarmina", "زرمینه نمونه", "female", D(1989, 9, 2), "spouse", "Rahim", 340),
        Person("Sahar", "سحر نمونه", "female", D(2012, 3, 21), "child", "Gul Agha", 300),
        Person("Omid", "امید نمونه", "male", D(2019, 11, 8), "child", "Gul Agha", 200),
    ]),
    Family("KBL", "ca", "Mashq", "measured", reference="IME", people=[
        Person("Yusuf", "یوسف مشق", "male", D(1994, 1, 19), "head", "Nazar", 220),
        Person("Shirin", "شیرین مشق", "female", D(1997, 7, 30), "spouse", "Wali", 320),
    ]),
    Family("KBL", "ca", "Olgo", "collected", reference="IME", people=[
        Person("Mirwais", "میرویس الگو", "male", D(1978, 12, 5), "head", "Ghani", 120),
    ]),
    Family("KBL", "ca", "Tarh", "issued", reference="IME", people=[
        Person("Hamid", "حمید طرح", "male", D(1990, 4, 11), "head", "Qadir", 60),
        Person("Freshta", "فرشته طرح", "female", D(2018, 6, 3), "child", "Hamid", 280),
    ]),
    Family("KBL", "uk-tb", "Misal", "verified", people=[
        Person("Rahmat", "رحمت مثال", "male", D(1999, 8, 17), "head", "Anwar", 180),
        Person("Laylama", "لیلما مثال", "female", D(2001, 2, 25), "spouse", "Basir", 350),
    ]),
    Family("KBL", "uk-tb", "Azmoon", "issued", people=[
        Person("Bashir", "بشیر آزمون", "male", D(1995, 10, 9), "head", "Sabur", 90),
    ]),
    Family("KBL", "returnee-avrr", "Tajriba", "examined", people=[
        Person("Nur", "نور تجربه", "male", D(1983, 3, 3), "head", "Akbar", 20),
    ]),
    Family("KBL", "returnee-avrr", "Qalib", "issued", people=[
        Person("Wahida", "وحیده قالب", "female", D(1971, 9, 27), "head", "Zahir", 330),
    ]),
    Family("HRT", "returnee-avrr", "Nishan", "booked", people=[
        Person("Jawad", "جواد نشان", "male", D(2004, 5, 5), "head", "Ismail", 240),
    ]),
    Family("KBL", "uk-tb", "Intizar", "registered", then=waiting.tell, people=[
        Person("Nasir", "ناصر انتظار", "male", D(1981, 2, 8), "head", "Sami", 150),
        Person("Parwana", "پروانه انتظار", "female", D(1984, 10, 1), "spouse", "Latif", 10),
        Person("Zalmai", "زلمی انتظار", "male", D(2006, 6, 16), "child", "Nasir", 230),
    ]),
    Family("TKM", "border-arrival", "Sarhad", "arrived", people=[
        Person("Spogmai", "سپوږمۍ سرحد", "female", D(1992, 12, 12), "head", "Lal", 310),
    ]),
]  # fmt: skip


def face(hue: int) -> bytes:
    """A drawn face, so that nobody's photograph is needed: JPEG, 300 x 385."""
    image = Image.new("RGB", (300, 385), "#e8edf5")
    draw = ImageDraw.Draw(image)
    cloth = Image.new("HSV", (1, 1), (hue * 255 // 360, 120, 150)).convert("RGB").getpixel((0, 0))
    draw.ellipse((30, 270, 270, 560), fill=cloth)
    draw.ellipse((85, 80, 215, 260), fill="#d9b08c")
    draw.pieslice((75, 55, 225, 235), 180, 360, fill=tuple(part // 2 for part in cloth))
    for x in (125, 175):
        draw.ellipse((x - 7, 160, x + 7, 174), fill="#2b2b2b")
    draw.arc((120, 185, 180, 230), 20, 160, fill="#7a3b2e", width=4)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def make_sites() -> dict[str, Clinic]:
    """The three sites. They have no weekend, so that a first look on a Friday finds people in the clinic."""
    return {
        code: Clinic.objects.get_or_create(
            code=code,
            defaults={
                "name": name,
                "kind": kind,
                "province": province,
                "altitude_m": altitude,
                "address": f"Training Street 1, {province}",
            },
        )[0]
        for code, name, kind, province, altitude in SITES
    }


def make_user(username, full_name, role, clinic):
    user, new = User.objects.get_or_create(
        username=username,
        defaults={"full_name": full_name, "licence": "TRAINING-0001" if role in {"PHY", "RAD"} else ""},
    )
    if new:
        user.set_password(PASSWORD)
        user.save()
        RoleGrant.objects.create(user=user, group=Group.objects.get(name=role), clinic=clinic)
    return user


def make_partner(username, full_name, code, name, kind, country, programme):
    organisation, _new = PartnerOrganisation.objects.get_or_create(
        code=code, defaults={"name": name, "kind": kind, "country": country}
    )
    if not organisation.agreements.exists():
        Agreement.objects.create(
            organisation=organisation,
            programme=programme,
            legal_basis="Training agreement, of no effect",
            signatory="Nobody Real",
            valid_from=timezone.localdate() - datetime.timedelta(days=30),
        )
    Member.objects.get_or_create(
        user=make_user(username, full_name, "PAR", None), defaults={"organisation": organisation}
    )


def passport_of(family, person, count):
    """The invented passport of one person: letters XX and a running number, valid for five years."""
    return {
        "kind": "passport",
        "number": f"XX{count:06d}",
        "issuer": "AFG",
        "expires_on": timezone.localdate() + datetime.timedelta(days=5 * 365),
    }


def register(family, sites, users, count):
    """The case with everybody's screening open; returns the screenings."""
    clinic = sites[family.site]
    by = users[{"KBL": "reception", "HRT": "herat"}.get(family.site, "torkham")]
    head = family.people[0]
    case = screenings.open_case(
        clinic=clinic,
        programme=family.programme,
        contact_name=f"{head.given} {family.family_name}",
        phone="+93 700 000 000",
        address=f"Training Street {count}, {clinic.province}",
        by=by,
    )
    people = [
        {
            "key": uuid7(),
            "person": {
                "given_name": person.given,
                "family_name": family.family_name,
                "native_name": person.native,
                "father_name": person.father,
                "sex": person.sex,
                "born_earliest": person.born,
                "phone": case.phone,
                "address": case.address,
            },
            "documents": [passport_of(family, person, count * 10 + nth)],
            "relation": person.relation,
            "reference": f"{family.reference}9{count:04d}{nth:03d}" if family.reference else "",
        }
        for nth, person in enumerate(family.people)
    ]
    made = screenings.register_family(case, people, by=by)
    for screening, person in zip(made, family.people, strict=True):
        patients.take_photo(screening.patient, data=face(person.hue), by=by)
    return made


# ------------------------------------------------------------------------------ the stages, each through its own room


def booked(family, members, users):
    by = members[0].case.created_by
    slots = appointments.open_day(members[0].clinic, members[0].clinic.today(), by=by)
    free = next(
        slot
        for slot in Slot.objects.with_room().filter(pk__in=[slot.pk for slot in slots])
        if slot.capacity - slot.taken >= len(members)
    )
    appointments.book(members[0].case, free, screenings=members, by=by)


def arrived(family, members, users):
    by = members[0].case.created_by
    for member in members:
        appointments.arrive(member.bookings.get(state="booked"), by=by)
        patients.confirm_identity(member.patient, station="reception", clinic=member.clinic, by=by)
        adult = member.patient.age_on(member.clinic.today()) >= 18
        given_by = member.patient.name if adult else members[0].patient.name
        for purpose in Consent.Purpose.values:
            screenings.give_consent(member, purpose=purpose, given_by=given_by, by=by)


def write(model, **fields):
    """Save a row the way a page does: its history names who wrote it."""
    row = model(**fields)
    row._history_user = fields.get("by") or fields["read_by"]
    row.save(force_insert=True)


def measured(family, members, users):
    for member in members:
        child = member.patient.age_on(member.clinic.today()) < 12
        write(
            Vitals,
            screening=member,
            measured_at=timezone.now(),
            weight_kg="24.5" if child else "68.0",
            height_cm="121.0" if child else "168.0",
            systolic_mmhg=98 if child else 122,
            diastolic_mmhg=62 if child else 78,
            pulse_per_min=92 if child else 74,
            temperature_c="36.7",
            spo2_percent=97,
            by=users["nurse"],
        )


def examined(family, members, users):
    for member in members:
        today, patient = member.clinic.today(), member.patient
        nothing = {"known_hiv": False, "tb_signs": [], "tb_history": [], "tb_contacts": [], "risks": []}
        write(
            MedicalHistory,
            screening=member,
            taken_on=today,
            polio_area_stay_days=9 if family.programme == "returnee-avrr" else None,
            by=users["nurse"],
            **nothing,
        )
        if patient.sex == "female" and 11 <= patient.age_on(today) <= 50:
            write(Pregnancy, screening=member, asked_on=today, pregnant=False, by=users["nurse"])
        systems = {code: {"normal": True, "text": ""} for code in SYSTEMS}
        write(PhysicalExam, screening=member, held_on=today, systems=systems, by=users["physician"])
        if family.programme == "returnee-avrr":
            leaves = timezone.now() + datetime.timedelta(hours=30)
            screenings.plan_travel(member, departure=leaves, mode="land", by=users["reception"])


def filmed(family, members, users):
    for member in members:
        today = member.clinic.today()
        if family.programme in {"ca", "uk-tb"} and member.patient.age_on(today) >= 11:
            write(
                ChestXray,
                screening=member,
                taken_on=today,
                taken_by=users["radiology"],
                image_reference=f"TRAINING-{member.reference or member.patient.number}",
                findings=[],
                read_by=users["radiology"],
                read_at=timezone.now(),
            )


def collected(family, members, users):
    for member in members:
        decisions.order_due(member, by=users["physician"])
        waiting = list(LabOrder.objects.to_collect().filter(screening=member))
        if waiting:
            patients.confirm_identity(member.patient, station="collection", clinic=member.clinic, by=users["lab"])
            labs.collect(member, orders=waiting, by=users["lab"])


def resulted(family, members, users):
    for specimen in Specimen.objects.filter(screening__in=members, state=Specimen.State.COLLECTED):
        labs.receive(specimen, by=users["lab"])
    for order in LabOrder.objects.awaiting_result().filter(screening__in=members).select_related("test"):
        labs.enter(order, text=normal_answer(order.test), by=users["lab"])


def normal_answer(test):
    """What a healthy person's result of this test reads."""
    return test.normal[0] if test.normal else {"crea": "0.9", "glu": "90", "hb": "14.1"}.get(test.key, "1")


def verified(family, members, users):
    for result in LabResult.objects.to_verify().filter(screening__in=members):
        labs.verify(result, by=users["supervisor"])


def signed(family, members, users):
    for member in members:
        decisions.sign(member, by=users["physician"], on=member.clinic.today())


def issued(family, members, users):
    for member in members:
        certificates.issue(member, by=users["physician"])


STEPS = [booked, arrived, measured, examined, filmed, collected, resulted, verified, signed, issued]


def load():
    """Make the training clinic; what is there already stays as it is. Returns how many families were added."""
    sites = make_sites()
    users = {row[0]: make_user(row[0], row[1], row[2], sites.get(row[3])) for row in STAFF}
    for row in PARTNERS:
        make_partner(*row)
    catalogue.load()
    added = 0
    for count, family in enumerate(FAMILIES, 1):
        head = family.people[0]
        if Patient.objects.filter(given_name=head.given, family_name=family.family_name).exists():
            continue
        added += 1
        with transaction.atomic():
            members = register(family, sites, users, count)
            for step in STEPS[: STAGES.index(family.stage)]:
                step(family, members, users)
            family.then(members, users)
    set_states(sites["KBL"], users["manager"])
    for each in (demo_controls, demo_boxes, demo_payments, demo_queue, demo_rosters):
        each.load(sites["KBL"], users)
    return added


def set_states(clinic, by):
    for programme, state, cap, reason, note in STATES:
        if not ProgrammeState.objects.filter(programme=programme).exists():
            decision = {"state": state, "daily_cap": cap, "from_day": clinic.today(), "reason": reason}
            screenings.decide_state(programme, clinic=clinic, risk_note=note, by=by, **decision)
