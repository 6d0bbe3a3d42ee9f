"""Names as they are compared: one spelling for letters and digits that keyboards and scripts write differently, and one
sound for «محمد», "Mohammad" and "Mohd". Matching suggests, it never decides (rule NOMERGE-1)."""

import re
import unicodedata

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
_SHORT = {"mohd": "mohammad", "muhd": "mohammad", "mohamm": "mohammad", "md": "mohammad", "mhd": "mohammad"}


def fold(name: str) -> str:
    """`name` in lower case without accents, vowel signs, punctuation and spelling variants of ی, ک and digits."""
    plain = unicodedata.normalize("NFKD", name.translate(_SAME))
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign)).translate(_SAME)
    return re.sub(r"[^\w]+", " ", letters.casefold()).strip()


def sound(word: str) -> str:
    """The consonants of one name in either script, doubled ones once, a leading vowel as "a"; "" when nothing is left.

    Mohammad, Muhammed, Mohd and محمد are "mhmd"; Ali and علی are "al".
    """
    word = fold(word)
    word = _SHORT.get(word, word)
    if re.search("[a-z]", word):
        for letters, sign in _LATIN:
            word = word.replace(letters, sign)
        signs = "".join("a" if sign in "aeiou" else sign for sign in word if sign.isalpha())
    else:
        signs = "".join(_ARABIC.get(sign, "") for sign in word)
    signs = re.sub(r"(.)\1+", r"\1", signs)
    # Within a word و and ی are mostly vowels, and a final ه is mostly silent.
    rest = re.sub("[awy]", "", signs[1:])
    return re.sub(r"(.)\1+", r"\1", signs[:1] + re.sub("h$", "", rest) if len(rest) > 1 else signs[:1] + rest)


def sounds(name: str) -> list[str]:
    """The sounds of the words of a name, each once, in order; numbers have none."""
    found = (sound(word) for word in fold(name).split() if not re.search("[0-9]", word))
    return list(dict.fromkeys(each for each in found if each))


def likeness(name: str, *spellings: str) -> float:
    """How alike full names sound, 0 to 1: shared words among all words of both, for the spelling that fits best."""
    ours, known = set(sounds(name)), [set(sounds(each)) for each in spellings]
    return max((len(ours & theirs) / len(ours | theirs) for theirs in known if theirs), default=0.0)


def search_key(names) -> str:
    """What a patient is found by: the folded names, then the sound of every word between bars."""
    named = [name for name in names if name]
    heard = dict.fromkeys(each for name in named for each in sounds(name))
    return " ".join(fold(name) for name in named) + (" |" + "|".join(heard) + "|" if heard else "")
