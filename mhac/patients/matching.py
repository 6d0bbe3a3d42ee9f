"""Names as they are compared: one spelling for letters and digits that keyboards and scripts write differently, and one
sound for «محمد», "Mohammad" and "Mohd". Matching suggests, it never decides (rule NOMERGE-1)."""

import re
import unicodedata
from functools import lru_cache
from itertools import combinations, groupby, pairwise

from mhac.clinics.calendar import year_between

_SAME = str.maketrans(
    {
        "ي": "ی", "ى": "ی", "ې": "ی", "ۍ": "ی", "ئ": "ی", "ك": "ک", "ګ": "گ", "ة": "ه", "أ": "ا", "إ": "ا", "آ": "ا",
        "\u200c": " ", "ـ": "",
        **{sign: str(value) for row in ("۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩") for value, sign in enumerate(row)},
    }
)  # fmt: skip

# What a word sounds like at its first letter matters more than its vowels: "a" stands for any vowel there.
_ARABIC = {
    "ا": "a", "ع": "a", "ء": "", "ب": "b", "پ": "p", "ت": "t", "ط": "t", "ټ": "t", "ث": "s", "س": "s", "ص": "s",
    "ج": "j", "ژ": "j", "ځ": "z", "چ": "C", "څ": "s", "ح": "h", "ه": "h", "خ": "X", "ښ": "X", "د": "d", "ډ": "d",
    "ذ": "z", "ز": "z", "ض": "z", "ظ": "z", "ږ": "z", "ر": "r", "ړ": "r", "ش": "S", "غ": "Q", "ق": "Q", "ف": "f",
    "ک": "k", "گ": "g", "ل": "l", "م": "m", "ن": "n", "ڼ": "n", "و": "w", "ی": "y",
}  # fmt: skip
_LATIN = [
    ("kh", "X"), ("gh", "Q"), ("q", "Q"), ("sh", "S"), ("ch", "C"), ("zh", "j"), ("ph", "f"), ("th", "t"), ("dh", "d"),
    ("c", "k"), ("x", "ks"), ("v", "w"), ("ai", "a"), ("ay", "a"),
]  # fmt: skip
# Names below this share too few words to be shown as perhaps the same person's.
ALIKE = 1 / 3
_SHORT = {
    **dict.fromkeys(("mohd", "muhd", "mohamm", "md", "mhd", "moh", "mohd", "muh"), "mohammad"),
    **dict.fromkeys(("abdl", "abd", "عبد"), "abdul"),
}
# So many sounds of one person are kept in twos: nobody has more names, and a pasted text would have thousands.
_HEARD = 30
# What stands between two words that are one name: Saif ud Din, Zia-ul-Haq, نور الدین.
_TIE = re.compile(r"(?<=\w) ?\b(?:u[lrszdnt]|a[lr]|el|od|ol|or)\b (?=[a-z])")
_ABDUL = re.compile(r"\babd ?(?:[uoae]l|l|[uo]([rsznt]) ?(?=\1)|[uo](?=[rsznt])) ?(?!l?l?ah?\b)(?=[a-z]{3})")
_ABDUL_ARABIC = re.compile(r"\bعبد ?ال ?(?!له\b)(?=\w)")
# God's name and the article follow as a word of their own, or not.
_FOLLOWS = re.compile(r"(?<=\w) (?=ال|[uao]llah\b)")
# The article's l is not heard before these.
_SUN = re.compile(r"(?<=..)ال(?=[دذرزسشصضطظنت]\w\w)")


def fold(name: str) -> str:
    """`name` in lower case without accents, vowel signs, punctuation and spelling variants of ی, ک and digits."""
    plain = unicodedata.normalize("NFKD", name.translate(_SAME))
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign)).translate(_SAME)
    return re.sub(r"[^\w]+", " ", letters.casefold()).strip()


def words(name: str) -> list[str]:
    """The folded words of a name as they are compared. Abdul stands alone (Abd ul-Karim, عبدالکریم); Saif ud Din and
    حبیب الله are one."""
    text = _ABDUL_ARABIC.sub("عبد ", _ABDUL.sub("abdul ", fold(name)))
    return _FOLLOWS.sub("", _TIE.sub("u", text)).split()


@lru_cache(50_000)
def sound(word: str) -> str:
    """The consonants of one name in either script, doubled ones once, a leading vowel as "a"; "" when nothing is left.
    Mohammad, Muhammed, Mohd and محمد are "mhmd"; Ali and علی are "al". A name of one consonant keeps its w and y: Zia
    and ضیا are "zy".
    """
    word = fold(word)
    word = _SHORT.get(word, word)
    if re.search("[a-z]", word):
        vowels = re.sub("[iey]+", "y", re.sub("[uo]+w?|w", "w", word[:1] + word[1:].replace("a", "")))
        signs, heard = _latin(word), _latin(vowels)
    else:
        signs = heard = "".join(_ARABIC.get(sign, "") for sign in _SUN.sub("", word))
    signs = re.sub(r"(.)\1+", r"\1", signs)
    # Within a word و and ی are mostly vowels, and a final ه is mostly silent.
    rest = re.sub("[awy]", "", signs[1:])
    found = re.sub(r"(.)\1+", r"\1", signs[:1] + re.sub("h$", "", rest) if len(rest) > 1 else signs[:1] + rest)
    return found if len(found) > 1 else _short(heard)


def _latin(word):
    for letters, sign in _LATIN:
        word = word.replace(letters, sign)
    return "".join("a" if sign in "aeiou" else sign for sign in word if sign.isalpha())


def _short(signs):
    signs = re.sub(r"(.)\1+", r"\1", signs)
    return signs[:1] + re.sub("h$", "", signs[1:].replace("a", ""))


def sounds(name: str) -> list[str]:
    """The sounds of the words of a name, each once, in order; numbers have none."""
    found = (sound(word) for word in words(name) if not re.search("[0-9]", word))
    return list(dict.fromkeys(each for each in found if each))


def joined(name: str) -> list[str]:
    """The sounds of every two neighbouring words written as one: Ahmad Zai is Ahmadzai, Gul Jan is Guljan."""
    return [each for each in _ties(_plain(name)) if len(each) > 1]


def _plain(name):
    return [word for word in words(name) if not re.search("[0-9]", word)]


def _ties(parts):
    return [sound(one + two) if sound(one) != "abdl" else "" for one, two in pairwise(parts)]


def likeness(name: str, *spellings: str) -> float:
    """How alike full names sound, 0 to 1: shared words among all words of both, for the spelling that fits best. Two
    sounds that differ by one sign share nine tenths."""
    return max((_alike(name, each) for each in spellings if each), default=0.0)


def _alike(one, other):
    ours, theirs = _as_written_by(other, one), _as_written_by(one, other)
    if not ours or not theirs:
        return 0.0
    left, shared = list(theirs), 0.0
    for word in sorted(ours, key=lambda word: word not in theirs):
        near = word if word in left else next((each for each in left if nearly(word, each)), None)
        if near is not None:
            left.remove(near)
            shared += 1 if near == word else 0.9
    return shared / (len(ours) + len(theirs) - shared)


def _as_written_by(other, name):
    """The sounds of `name`, with two neighbours as one where `other` writes them so."""
    there, parts, found = set(sounds(other)), _plain(name), []
    ties = [*_ties(parts), ""]
    place = 0
    while place < len(parts):
        together = ties[place] in there and sound(parts[place]) not in there
        found.append(ties[place] if together else sound(parts[place]))
        place += 2 if together else 1
    return list(dict.fromkeys(each for each in found if each))


def nearly(one: str, other: str) -> bool:
    """Whether two sounds of three signs or more differ by one sign left out, put in, changed, or by two that changed
    places."""
    if min(len(one), len(other)) < 3 or abs(len(one) - len(other)) > 1:
        return False
    if len(one) > len(other):
        one, other = other, one
    at = next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    return one[at + 1 :] == other[at + 1 :] or (
        one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    )


def keys(*names: str, relatives=(), born=None) -> list[str]:
    """What a person is found by, each a key of one index: "~" and the sound of every word (of her relatives' names too)
    and of every two neighbours, "@" and each year she may be born in, sound and year together, any two sounds together,
    and the beginnings of her names from two letters on. `born`: first and last possible day."""
    named = [name for name in names if name]
    full = " ".join(names[:2])
    heard = dict.fromkeys(each for name in (full, *names[2:]) for each in (*sounds(name), *joined(name)))
    later = dict.fromkeys(each for name in relatives for each in sounds(name))
    found = dict.fromkeys(f"~{each}" for each in (*heard, *later))
    for name in named:
        for word in dict.fromkeys([*words(name), *fold(name).split()]):
            starts = (word[:length] for length in range(2, len(word) + 1))
            # Whoever types a beginning asks for its sound as well: what that finds needs no second key.
            found |= dict.fromkeys(each for each in starts if len(sound(each)) < 2 or f"~{sound(each)}" not in found)
    if born is not None:
        years = range(born[0].year, born[1].year + 1)
        found |= dict.fromkeys(f"@{year}" for year in years)
        found |= dict.fromkeys(f"~{each}@{year}" for each in heard for year in years)
    return merged([found])


def merged(sets) -> list[str]:
    """Keys of several records of one person, each once; what two records say of her is asked together too."""
    found = dict.fromkeys(key for keys in sets for key in keys)
    heard = [key for key in found if re.fullmatch("~[^~@]{2,}", key)][:_HEARD]
    years = [key for key in found if key.startswith("@")]
    found |= dict.fromkeys("".join(sorted(two)) for two in combinations(heard, 2))
    # "~" once with a year is her own name, which a card is compared with; "~~" is her father's.
    found |= dict.fromkeys(f"~{each}{year}" for each in heard for year in years if f"{each}{year}" not in found)
    return list(found)


def both(one: list[str], other: list[str]) -> list[str]:
    """The keys of who has a key of each list, as far as two are stored as one, so that two long lists of the index need
    not be laid beside each other; a beginning is stored alone."""
    found = {}
    for a in (key for key in one if key.startswith("~")):
        for b in (key for key in other if key[0] in "~@"):
            found |= dict.fromkeys([a + b, f"~{a}{b}"] if b[0] == "@" else [a if a == b else "".join(sorted((a, b)))])
    return list(found)


def beginnings(alternatives: list[str]) -> list[str]:
    """Those of a word's keys that are stored alone."""
    return [key for key in alternatives if key[0] not in "~@"]


def numbers(text: str) -> list[str]:
    """The numbers within what was typed: neighbouring words with digits are one (0700 123 456)."""
    spoken = groupby(fold(text).split(), lambda word: bool(re.search("[0-9]", word)))
    return [" ".join(group) for is_number, group in spoken if is_number]


def years(text: str) -> list[int]:
    """The Gregorian years that a year of either calendar lies in (1371 is 1992 and 1993); [] for what is no year."""
    if not re.fullmatch("1[2-4][0-9]{2}|19[0-9]{2}|20[0-9]{2}", text := fold(text)):
        return []
    return [int(text)] if int(text) >= 1500 else [day.year for day in year_between(int(text))]


def asked(text: str) -> list[list[str]]:
    """What was typed as alternatives of keys, one list for each word: the person must have one of every list. Words
    with digits have none; who looks for people reads them as numbers."""
    parts = _plain(text)
    tied = _ties(parts)
    found = []
    for place, word in enumerate(parts):
        heard = [sound(word), *tied[max(place - 1, 0) : place + 1]]
        found.append([word, *(f"~{each}" for each in dict.fromkeys(heard) if len(each) > 1)])
    return found
