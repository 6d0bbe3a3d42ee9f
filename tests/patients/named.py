"""A labelled set of invented people: who they are and how other clerks wrote them down, and who is somebody else.

`NAMES`: given names with spellings in Latin letters and in Dari or Pashto. Every person of the set is made of them by
chance; so is what another clerk wrote, by one of `WAYS`.
"""

import datetime

NAMES = {
    "Mohammad": ("محمد", ["Muhammad", "Mohd", "Mohammed", "Mohamad"]),
    "Ahmad": ("احمد", ["Ahmed", "Ahmmad"]),
    "Nasir": ("نصیر", ["Naseer", "Nasser"]),
    "Yusuf": ("یوسف", ["Yousef", "Yosuf", "Yousuf"]),
    "Qadir": ("قدیر", ["Qader", "Qadeer"]),
    "Khalid": ("خالد", ["Khaled"]),
    "Omar": ("عمر", ["Umar"]),
    "Hussain": ("حسین", ["Hossein", "Hussein", "Hosain"]),
    "Nawid": ("نوید", ["Naweed", "Navid"]),
    "Shafiq": ("شفیق", ["Shafeeq"]),
    "Abdullah": ("عبدالله", ["Abdollah", "Abdulla"]),
    "Abdul Karim": ("عبدالکریم", ["Abdulkarim", "Abd ul Karim", "Abdul-Kareem"]),
    "Abdul Rahim": ("عبدالرحیم", ["Abdurrahim", "Abdul Raheem"]),
    "Wahid": ("وحید", ["Waheed", "Vahid"]),
    "Farid": ("فرید", ["Fareed"]),
    "Gul Jan": ("گل جان", ["Guljan", "Gul-Jan"]),
    "Noor": ("نور", ["Nur", "Nour"]),
    "Saifuddin": ("سیف الدین", ["Saif ud Din", "Saifudin"]),
    "Habibullah": ("حبیب الله", ["Habib Ullah", "Habiballah"]),
    "Zia": ("ضیا", ["Ziya"]),
    "Daud": ("داوود", ["Dawood", "Dawud"]),
    "Rashid": ("رشید", ["Rasheed"]),
    "Tariq": ("طارق", ["Tareq"]),
    "Jawad": ("جواد", ["Javad"]),
    "Sharif": ("شریف", ["Shareef"]),
    "Mahmood": ("محمود", ["Mahmud", "Mahmoud"]),
}
WOMEN = {
    "Fatima": ("فاطمه", ["Fatema", "Fatimah"]),
    "Zainab": ("زینب", ["Zeynab", "Zaynab"]),
    "Gulalai": ("گلالی", ["Golalai", "Gulalay"]),
    "Maryam": ("مریم", ["Mariam"]),
    "Latifa": ("لطیفه", ["Latifah", "Lateefa"]),
    "Nargis": ("نرگس", ["Narges"]),
    "Shabnam": ("شبنم", ["Shabnem"]),
    "Roya": ("رویا", ["Roia"]),
    "Laila": ("لیلا", ["Leila", "Layla"]),
    "Khadija": ("خدیجه", ["Khadeja", "Khadijah"]),
    "Parwin": ("پروین", ["Parwen", "Parvin"]),
    "Rahila": ("راحله", ["Raheela"]),
    "Zarghuna": ("زرغونه", ["Zarghona"]),
    "Spogmai": ("سپوږمی", ["Spozhmai"]),
}
FAMILIES = {
    "Namuna": ("نمونه", ["Namoona"]),
    "Tamrin": ("تمرین", ["Tamreen"]),
    "Misalzai": ("مثالزی", ["Misal Zai"]),
    "Azmoon": ("آزمون", ["Azmun"]),
    "Qalibi": ("قالبی", ["Qaleebi"]),
    "Olgoyar": ("الگویار", ["Olgo Yar"]),
    "Tarhkhel": ("طرح خیل", ["Tarh Khel"]),
    "Mashqi": ("مشقی", ["Mashqee"]),
    "Tajribakar": ("تجربه کار", ["Tajrubakar"]),
    "Misaqi": ("میثاقی", ["Misaqee"]),
}
WAYS = ["spelling", "script", "swapped", "no_family", "year", "typo", "spelling_and_year", "native_only"]
_NATIVE = {name: native for names in (NAMES, WOMEN, FAMILIES) for name, (native, _others) in names.items()}
_OTHERS = {name: others for names in (NAMES, WOMEN, FAMILIES) for name, (_native, others) in names.items()}


def somebody(rng) -> dict:
    """One invented person as fields of Patient; one in four has no family name, four in five a father's name."""
    sex = rng.choice(["female", "male"])
    given = rng.sample(sorted(NAMES if sex == "male" else WOMEN), rng.choice([1, 1, 2]))
    family = rng.choice(sorted(FAMILIES)) if rng.random() < 0.75 else ""
    born = datetime.date(1955, 1, 1) + datetime.timedelta(days=rng.randrange(24000))
    return {
        "given_name": " ".join(given),
        "family_name": family,
        "native_name": " ".join(_NATIVE[name] for name in [*given, *([family] if family else [])]),
        "father_name": rng.choice(sorted(NAMES)) if rng.random() < 0.8 else "",
        "sex": sex,
        "born_earliest": born,
        "born_latest": born,
        "parts": (given, family),
    }


def written_again(rng, person, way) -> dict:
    """The same person as another clerk wrote her down."""
    given, family = person["parts"]
    given, copy = list(given), {name: value for name, value in person.items() if name != "parts"} | {"native_name": ""}
    if way in {"spelling", "spelling_and_year", "swapped"}:
        given = [rng.choice([name, *_OTHERS[name]]) for name in given]
        family = rng.choice([family, *_OTHERS.get(family, [])])
        father = person["father_name"]
        copy["father_name"] = rng.choice([father, *_OTHERS.get(father, [])])
    copy |= {"given_name": " ".join(given), "family_name": family}
    if way == "script":
        copy |= {"given_name": " ".join(_NATIVE[n] for n in given), "family_name": _NATIVE.get(family, "")}
    elif way == "native_only":
        copy |= {"given_name": given[0], "family_name": "", "native_name": person["native_name"]}
    elif way == "swapped":
        copy |= {"given_name": family or given[-1], "family_name": " ".join(given if family else given[:-1])}
    elif way == "no_family":
        copy["family_name"] = ""
    elif way == "typo":
        copy["given_name"] = typo(rng, copy["given_name"])
    if way in {"year", "spelling_and_year"}:
        year = person["born_earliest"].year
        copy |= {"born_earliest": datetime.date(year, 1, 1), "born_latest": datetime.date(year, 12, 31)}
    return copy


def typo(rng, name):
    """One letter left out, doubled, changed, or two that changed places; never the first one."""
    place = rng.randrange(1, len(name) - 1)
    one, two = name[place], name[place + 1 : place + 2]
    wrong = rng.choice(["", one * 2, rng.choice("aeinrst"), two + one])
    rest = name[place + 1 + (wrong == two + one) :]
    return name[:place] + wrong + rest


def twin(rng, person) -> dict:
    """Born on the same day to the same father, with another given name."""
    names = sorted(set(NAMES if person["sex"] == "male" else WOMEN) - set(person["parts"][0]))
    given = [rng.choice(names)]
    family = person["parts"][1]
    native = " ".join(_NATIVE[name] for name in [*given, *([family] if family else [])])
    return person | {"given_name": given[0], "native_name": native, "parts": (given, family)}


def namesake(rng, person) -> dict:
    """The same name and year, another father and another day."""
    born = person["born_earliest"].replace(month=rng.randrange(1, 13), day=rng.randrange(1, 29))
    fathers = sorted(set(NAMES) - {person["father_name"]})
    return person | {"born_earliest": born, "born_latest": born, "father_name": rng.choice(fathers)}
