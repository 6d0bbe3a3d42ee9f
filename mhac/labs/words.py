"""The words a coded result may have: stored as the rules know them, typed in short, read in the reader's language.

A coded result is stored in the words of the `assess` contract, so that nothing translates it again on its way to a
decision: `reactive` `nonreactive` `indeterminate` (HIV, hepatitis, syphilis), `not_detected` to `high`, `trace`,
`invalid` (molecular), `negative` `scanty` `1+` to `3+` (smear), `negative` `mtb` `ntm` `contaminated` (culture),
`S` `I` `R` (drugs). An analyzer's own words are mapped to these in its code map; typed ones are read by `SHORT`.
"""

from django.utils.translation import gettext_lazy as _

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


def label(word):
    """`word` in the language of the reader; a word of a clinic's own test is shown as it is."""
    return LABELS.get(word, word)


def meaning(typed, allowed):
    """The member of `allowed` that `typed` stands for (case, blanks and the shorthand aside), or None."""
    folded = " ".join(typed.casefold().split())
    for word in allowed:
        if folded in {word.casefold(), word.casefold().replace("_", " ")}:
            return word
    return next((word for word in SHORT.get(folded, ()) if word in allowed), None)
