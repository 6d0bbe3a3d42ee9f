"""How long a short message is: parts as telephone networks count them (3GPP TS 23.038 and 23.040)."""

# The GSM 7-bit default alphabet, and what costs two places of it.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
DOUBLE = frozenset("\f^{}\\[~]|€")
# Places in a message of its own, and in each part of a longer one, whose header takes the rest.
GSM, GSM_PART = 160, 153
UCS2, UCS2_PART = 70, 67


def is_gsm(text: str) -> bool:
    """Whether the whole text is in the 7-bit alphabet; one sign outside it makes all of it UCS-2."""
    return all(sign in BASIC or sign in DOUBLE for sign in text)


def parts(text: str) -> int:
    """How many parts are sent and paid for. No sign is parted: one of two places goes whole into the next part."""
    if is_gsm(text):
        return _filled([2 if sign in DOUBLE else 1 for sign in text], GSM, GSM_PART)
    return _filled([2 if ord(sign) > 0xFFFF else 1 for sign in text], UCS2, UCS2_PART)


def _filled(places, alone, part):
    if sum(places) <= alone:
        return 1
    count, room = 1, part
    for each in places:
        if each > room:
            count, room = count + 1, part
        room -= each
    return count
