"""`python -m mhac.protocols FILE`: the command `assess` without Django."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

from .programme import EditionFault, read_programmes
from .rehearsal import answers, written


def run(name: str, out: BinaryIO, folders: Iterable[Path] = ()) -> int:
    """Answer every line of a file ("-": standard input). The exit status: 0, or 1 when a line was refused.

    Raises OSError when the file cannot be read, `EditionFault` when an edition cannot be used.
    """
    programmes = read_programmes(folders)
    refused = False
    with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as stream:
        for given in answers(stream, programmes):
            refused = refused or "error" in given
            out.write(written(given))
    out.flush()
    return 1 if refused else 0


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("Usage: python -m mhac.protocols FILE.jsonl  (- for standard input)\n")
        return 2
    try:
        return run(arguments[0], sys.stdout.buffer)
    except (OSError, EditionFault) as fault:
        sys.stderr.write(f"{arguments[0]} cannot be assessed: {fault}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
