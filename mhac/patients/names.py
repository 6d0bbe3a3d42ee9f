"""Names as people and documents write them: in either script, one name or many, capitals kept."""

import re
import unicodedata

# Within a Dari or Pashto word the zero-width non-joiner is spelling; other invisible signs are a keyboard's accident.
_JOINER = "\u200c"


def cleaned(typed: str) -> str:
    """`typed` without control characters, direction marks and doubled spaces; its letters and capitals stay."""
    text = unicodedata.normalize("NFC", re.sub(r"\s+", " ", typed))
    text = "".join(
        sign for sign in text if sign == _JOINER or unicodedata.category(sign) not in {"Cc", "Cf", "Co", "Cn"}
    )
    letter = r"[\u0600-\u06ff\u0750-\u077f]"
    text = re.sub(f"(?<!{letter}){_JOINER}|{_JOINER}(?!{letter})", "", text)
    return " ".join(text.split())


def latin(name: str) -> str:
    """The letters of a name as a machine readable zone has them: capitals A to Z, nothing between."""
    plain = unicodedata.normalize("NFKD", name)
    return re.sub("[^A-Z]", "", plain.upper())
