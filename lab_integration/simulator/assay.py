"""What a simulated analyzer measures: values that depend on specimen and code alone, abnormal now and then."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Assay:
    """What the analyzer can measure under one code: a number between limits, or a word."""

    unit: str = ""
    low: float = 0.0
    high: float = 1.0
    decimals: int = 1
    words: tuple[str, ...] = ()  # the first is the normal one
    odd_one_in: int = 12
    name: str = ""

    def value(self, specimen: str, code: str, run: int = 1) -> tuple[str, str]:
        """Value and flag (N, L, H, A)."""
        digest = hashlib.sha256(f"{specimen} {code} {run}".encode()).digest()
        chance, place = int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:8], "big") / 2**32
        odd = chance % self.odd_one_in == 0
        if self.words:
            others = self.words[1:]
            word = others[chance // self.odd_one_in % len(others)] if odd and others else self.words[0]
            return word, "A" if word != self.words[0] else "N"
        width = self.high - self.low
        number = self.low + width * (0.15 + 0.7 * place)
        flag = "N"
        if odd:
            high = place > 0.4
            number, flag = (self.high + width * place * 0.4, "H") if high else (max(self.low * 0.8, 0.0), "L")
        return f"{number:.{self.decimals}f}", flag
