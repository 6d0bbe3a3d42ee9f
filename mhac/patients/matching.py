"""Names as they are compared: one spelling for letters and digits that keyboards and scripts write differently."""

import re
import unicodedata

_SAME = str.maketrans(
    {
        "ي": "ی", "ى": "ی", "ې": "ی", "ۍ": "ی", "ئ": "ی", "ك": "ک", "ګ": "گ", "ة": "ه", "أ": "ا", "إ": "ا", "آ": "ا",
        "\u200c": " ", "ـ": "",
        **{sign: str(value) for row in ("۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩") for value, sign in enumerate(row)},
    }
)  # fmt: skip


def fold(name: str) -> str:
    """`name` in lower case without accents, vowel signs, punctuation and spelling variants of ی, ک and digits."""
    plain = unicodedata.normalize("NFKD", name.translate(_SAME))
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign)).translate(_SAME)
    return re.sub(r"[^\w]+", " ", letters.casefold()).strip()
