"""How long an assessment takes, beside reading its JSON: `python -m tests.bench.bench_protocols [ROUNDS]`.

The ratio says the same on every machine; the milliseconds do not.
"""

import json
import sys
import time
from pathlib import Path

from mhac.protocols.programme import read_programmes
from mhac.protocols.rehearsal import answer_line, parse, written

CASES = Path(__file__).parent.parent / "protocols" / "open.jsonl"
LIMIT_MS = 2.0


def seconds(work, lines, rounds):
    """The best of several rounds, in seconds per line."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter()
        for line in lines:
            work(line)
        best = min(best, time.perf_counter() - begun)
    return best / len(lines)


def main(rounds):
    begun = time.perf_counter()
    programmes = read_programmes()
    print(f"reading the editions     {1000 * (time.perf_counter() - begun):7.2f} ms, once")
    lines = [json.dumps(json.loads(text)["case"]) for text in CASES.read_text(encoding="utf-8").splitlines()]
    bare = seconds(json.loads, lines, rounds)
    exact = seconds(parse, lines, rounds)
    whole = seconds(lambda line: written(answer_line(line, programmes)), lines, rounds)
    print(f"json.loads               {1000 * bare:7.4f} ms per case")
    print(f"reading with decimals    {1000 * exact:7.4f} ms per case, {exact / bare:5.1f} times json.loads")
    print(f"assessed and written     {1000 * whole:7.4f} ms per case, {whole / bare:5.1f} times json.loads")
    return 0 if 1000 * whole <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
