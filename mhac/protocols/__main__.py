"""`python -m mhac.protocols FILE`: the command `assess` without Django."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

from .programme import EditionFault, Programmes, read_programmes
from .rehearsal import answers, written


def run(name: str, out: BinaryIO, programmes: Programmes) -> int:
    """Answer every line of a file ("-": standard input). The exit status: 0, or 1 when a line was refused.

    Raises OSError when the file cannot be read.
    """
    refused = False
    with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as stream:
        for given in answers(stream, programmes):
            refused = refused or "error" in given
            out.write(written(given))
    out.flush()
    return 1 if refused else 0


def main(arguments: list[str]) -> int:
    if not arguments:
        sys.stderr.write(
            "Usage: python -m mhac.protocols FILE.jsonl [FOLDER of further editions ...]; - is standard input\n"
        )
        return 2
    name, *folders = arguments
    try:
        return run(name, sys.stdout.buffer, read_programmes(Path(folder) for folder in folders))
    except OSError as fault:
        sys.stderr.write(f"{name} cannot be read: {fault.strerror or fault}. Check the name.\n")
    except EditionFault as fault:
        sys.stderr.write(f"{fault}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
