"""The words a coded result may have: stored as the rules know them, typed in short, read in the reader's language.

A coded result is stored in the words of the `assess` contract, so that nothing translates it again on its way to a
decision: `reactive` `nonreactive` `indeterminate` (HIV, hepatitis, syphilis), `not_detected` to `high`, `trace`,
`invalid` (molecular), `negative` `scanty` `1+` to `3+` (smear), `negative` `mtb` `ntm` `contaminated` (culture),
`S` `I` `R` (drugs). An analyzer's own words are mapped to these in its code map; typed ones are read by `SHORT`.
"""

from functools import cache

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

# test -> the word of the contract for the drug it is about
DRUGS = {
    "dst_inh": "isoniazid",
    "dst_rif": "rifampicin",
    "dst_emb": "ethambutol",
    "dst_pza": "pyrazinamide",
    "dst_lfx": "levofloxacin",
    "dst_mfx": "moxifloxacin",
    "dst_bdq": "bedaquiline",
    "dst_lzd": "linezolid",
}

# test -> how the contract names its method, for the tests that can each answer "treponemal"
TREPONEMAL = {"tpha": "tpha", "tppa": "tppa", "tp_eia": "eia"}

LABELS = {
    "reactive": _("reactive"),
    "nonreactive": _("nonreactive"),
    "indeterminate": _("indeterminate"),
    "positive": _("positive"),
    "negative": _("negative"),
    "detected": _("detected"),
    "not_detected": _("not detected"),
    "trace": _("trace"),
    "very_low": _("detected, very low"),
    "low": _("detected, low"),
    "medium": _("detected, medium"),
    "high": _("detected, high"),
    "invalid": _("invalid"),
    "scanty": _("scanty"),
    "mtb": _("MTB complex grown"),
    "ntm": _("non-tuberculous mycobacteria grown"),
    "contaminated": _("contaminated"),
    "S": _("susceptible"),
    "I": _("intermediate"),
    "R": _("resistant"),
    "falciparum": _("P. falciparum"),
    "vivax": _("P. vivax"),
    "mixed": _("mixed infection"),
    "none_seen": _("none seen"),
}

# What a hurried person types -> what it means, wherever the test allows that meaning.
SHORT = {
    "r": ("reactive", "R"),
    "nr": ("nonreactive",),
    "n": ("nonreactive", "negative", "not_detected"),
    "non-reactive": ("nonreactive",),
    "non reactive": ("nonreactive",),
    "i": ("I", "indeterminate"),
    "ind": ("indeterminate",),
    "indet": ("indeterminate",),
    "equivocal": ("indeterminate",),
    "borderline": ("indeterminate",),
    "neg": ("negative", "nonreactive", "not_detected"),
    "negative": ("negative", "nonreactive", "not_detected"),
    "-": ("negative", "nonreactive", "not_detected"),
    "pos": ("positive", "reactive"),
    "positive": ("positive", "reactive"),
    "nd": ("not_detected",),
    "det": ("detected",),
    "tr": ("trace",),
    "vl": ("very_low",),
    "l": ("low",),
    "m": ("medium",),
    "h": ("high",),
    "inv": ("invalid",),
    "sc": ("scanty",),
    "c": ("contaminated",),
    "mtbc": ("mtb",),
    "1": ("1+",),
    "2": ("2+",),
    "3": ("3+",),
    "4": ("4+",),
    "+": ("1+",),
    "++": ("2+",),
    "+++": ("3+",),
    "++++": ("4+",),
    "+1": ("1+",),
    "+2": ("2+",),
    "+3": ("3+",),
    "+4": ("4+",),
    "pf": ("falciparum",),
    "pv": ("vivax",),
}

# What people of the laboratory say in Dari and Pashto for it, beside the label itself.
SYNONYMS = {word: ("منفی",) for word in ("negative", "nonreactive", "not_detected")} | {
    word: ("مثبت",) for word in ("positive", "reactive")
}


def label(word):
    """`word` in the language of the reader; a word of a clinic's own test is shown as it is."""
    return LABELS.get(word, word)


# The letter keys of the Persian keyboard (ISIRI 9147), as they stand on the keys of the Latin one.
_KEYS = str.maketrans("ضصثقفغعهخحشسیبلاتنمظطزرذدپ", "qwertyuiopasdfghjklzxcvbnm")
_LETTERS = str.maketrans({"ي": "ی", "ى": "ی", "ې": "ی", "ك": "ک", "\u200c": " "})


def meaning(typed, allowed):
    """The member of `allowed` that `typed` stands for, or None: in full in English, Dari or Pashto, in the shorthand,
    by the only word that begins so, by its number in the list (`numbered`), or by keys pressed while the Persian
    keyboard was on. Letters of Dari that begin a word of the list are never taken for keys."""
    folded = _folded(typed)
    names = {word: _names(word) for word in allowed}
    for word, called in names.items():
        if folded in called:
            return word
    if found := next((word for word in SHORT.get(folded, ()) if word in allowed), None):
        return found
    if numbered(allowed) and folded.isascii() and folded.isdigit() and 0 < int(folded) <= len(allowed):
        return allowed[int(folded) - 1]
    begun = {word for word, called in names.items() if any(name.startswith(folded) for name in called)}
    pressed = folded.translate(_KEYS)
    keys = meaning(pressed, allowed) if pressed != folded and pressed.isascii() else None
    if not begun:
        return keys
    # Letters that begin a word in Dari and are keys of another one say nothing for certain.
    doubtful = not folded.isascii() and (len(folded) == 1 or keys not in {None, *begun})
    return begun.pop() if len(begun) == 1 and folded and not doubtful else None


def numbered(allowed):
    """Whether the words of a test are also typed by their place in the list: where none is a number itself."""
    return not any(char.isdigit() for word in allowed for char in word)


def _folded(text):
    return " ".join(text.casefold().translate(_LETTERS).split())


@cache
def _names(word):
    """What a stored word is called in full: as it is stored, and as each language says it."""
    called = [word, word.replace("_", " "), *SYNONYMS.get(word, ())]
    for language, _name in settings.LANGUAGES:
        with override(language):
            called.append(str(label(word)))
    return tuple(_folded(each) for each in called)
