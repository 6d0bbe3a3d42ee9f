"""What a scanner typed while a Persian, Dari or Pashto keyboard was on.

A scanner presses the keys of a Latin keyboard and knows nothing of the layout. In the browser the place of each key
says what was meant (`scanner.js`); for text that arrives without its keys, pasted or sent without JavaScript, the
tables here are read backwards. Order of the keys: the four rows of the keyboard, from the top left.

Sources: ISIRI 9147:2007 (Persian) as in xkeyboard-config `ir(pes)`; Dari and Pashto of the Computer Locale Requirements
for Afghanistan (UNDP) as in xkeyboard-config `af(basic)` and `af(ps)`, version 2.35.1.
"""

LATIN = (
    "`1234567890-=qwertyuiop[]\\asdfghjkl;'zxcvbnm,./",
    '~!@#$%^&*()_+QWERTYUIOP{}|ASDFGHJKL:"ZXCVBNM<>?',
)
# name: (keys alone, keys with Shift); U+0000 is a key that types nothing
LAYOUTS = {
    "fa": (
        "\u200d\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6\u06f7\u06f8\u06f9\u06f0-="
        "\u0636\u0635\u062b\u0642\u0641\u063a\u0639\u0647\u062e\u062d\u062c\u0686\\"
        "\u0634\u0633\u06cc\u0628\u0644\u0627\u062a\u0646\u0645\u06a9\u06af"
        "\u0638\u0637\u0632\u0631\u0630\u062f\u067e\u0648./",
        "\u00f7!\u066c\u066b\ufdfc\u066a\u00d7\u060c*)(\u0640+"
        "\u0652\u064c\u064d\u064b\u064f\u0650\u064e\u0651][}{|"
        "\u0624\u0626\u064a\u0625\u0623\u0622\u0629\u00bb\u00ab:\u061b"
        "\u0643\u0653\u0698\u0670\u200c\u0654\u0621><\u061f",
    ),
    "fa-af": (
        "\u200d\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6\u06f7\u06f8\u06f9\u06f0-="
        "\u0636\u0635\u062b\u0642\u0641\u063a\u0639\u0647\u062e\u062d\u062c\u0686\\"
        "\u0634\u0633\u06cc\u0628\u0644\u0627\u062a\u0646\u0645\u06a9\u06af"
        "\u0638\u0637\u0632\u0631\u0630\u062f\u067e\u0648./",
        "\u00f7!\u066c\u066b\ue60b\u066a\u00d7\u060c*)(\u0640+"
        "\u0652\u064c\u064d\u064b\u064f\u0650\u064e\u0651][}{|"
        "\u0624\u0626\u064a\u0625\u0623\u0622\u0629\u00bb\u00ab:\u061b"
        "\u0643\u0653\u0698\u0670\u200c\u0654\u0621><\u061f",
    ),
    "ps": (
        "\u200d\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6\u06f7\u06f8\u06f9\u06f0-="
        "\u0636\u0635\u062b\u0642\u0641\u063a\u0639\u0647\u062e\u062d\u062c\u0686\\"
        "\u0634\u0633\u06cc\u0628\u0644\u0627\u062a\u0646\u0645\u06a9\u06ab"
        "\u06cd\u06d0\u0632\u0631\u0630\u062f\u0693\u0648\u0696/",
        "\u00f7!\u066c\u066b\ue60b\u066a\u00d7\u00bb\u00ab)(\u0640+"
        "\u0652\u064c\u064d\u064b\u064f\u0650\u064e\u0651\u0681\u0685][*"
        "\u069a\u0626\u064a\u067e\u0623\u0622\u067c\u06bc\u0629:\u061b"
        "\u0638\u0637\u0698\u0621\u200c\u0689\u0624\u060c.\u061f",
    ),
}


def _backwards(layout):
    typed, meant = "".join(layout), "".join(LATIN)
    return {ord(sign): key for sign, key in zip(typed, meant, strict=True) if sign != "\0"}


_READINGS = [_backwards(layout) for layout in LAYOUTS.values()]


def readings(text: str) -> list[str]:
    """What the same keys write on a Latin keyboard, once for each layout that differs; none for Latin text.

    A layout that knows every sign of the text comes before one that leaves some as they are.
    """
    if text.isascii():
        return []
    found = dict.fromkeys(text.translate(table) for table in _READINGS)
    return sorted(found, key=lambda meant: not meant.isascii())
