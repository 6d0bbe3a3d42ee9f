"""Damaged messages by the hundred thousand: `python -m tests.reliability.fuzz 1000000 [--socket 20000] [--seed 1]`.

Every frame goes through codec, reader, acknowledgement and matching as the wire would take it. It ends as a whole body,
as one that is kept cut short, or as one of the two errors that the wire knows; anything else is printed with its seed.
"""

import argparse
import datetime
import itertools
import multiprocessing
import random
import resource
import secrets
import sys
import time
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

CAPTURES = Path(__file__).resolve().parents[1] / "lab_integration" / "captures"
NOW = datetime.datetime(2026, 9, 15, 8, tzinfo=datetime.UTC)
HANG = 1.0  # seconds for one frame
LARGEST_SEED = 8_000
OURS = "KBL2600001Q"

RESULT = (
    b"MSH|^~\\&|BENCH|LAB|||20260915115800+0430||ORU^R01|7|P|2.3.1||||||UNICODE\rPID|1||x||AHMADI^ZAHRA||19940302|F\r"
    b"OBR|1||KBL2600001Q|PANEL\rOBX|1|NM|CRP||5|mg/L|0-5|N|||F|||20260915115500\rOBX|2|ED|PIC||^IM^PNG^Base64^AAAA||||||F\r"
    b"OBX|3|SN|CRP||<^0.5|mg/L|||||C\rNTE|1||\\.br\\\\X0D\\\\Z03BC\\ \\E\\\r"
)
LAW = (
    b"MSH|^~\\&|L||||20260915||OUL^R22^OUL_R22|8|P|2.5.1|||NE|AL||UNICODE UTF-8|||LAB-29^IHE\r"
    b'SPM|1|KBL2600001Q||SER|||||||P\rSAC|||KBL2600001Q\rOBR|1|""||CRP\rORC|SC||||CM\rOBX|1|NM|CRP||5|mg/L|||||F\r'
    b'TCD|CRP|||||||R\rINV|LOT^L|OK^^HL70383||||||||||20270101||||L12\rSPM|2|QC1||SER|||||||Q\rOBR|2|""||CRP\rOBX|1|NM|CRP|1.0|5|mg/L|||||F\r'
)
RECORDS = (
    b"H|\\^&|||XN^1|||||||P|1394-97|20260915115800\rP|1||||AHMADI^ZAHRA||19940302|F\rO|1|KBL2600001Q||^^^CRP\r"
    b"R|1|^^^CRP|5.1|mg/L||N||F||||20260915115500\rC|1|I|&F& comment\rQ|1|^KBL2600001Q||ALL\rL|1|N\r"
)
SIGNS = [
    b"|",
    b"^",
    b"~",
    b"\\",
    b"&",
    b"\r",
    b"\n",
    b"\r\n",
    b"\x00",
    b"\x0b",
    b"\x1c",
    b"\x1c\r",
    b'""',
    b"<",
    b"*",
    b".",
]
SIGNS += [
    b"\\X",
    b"\\X0D0A\\",
    b"\\Z",
    b"\\ZFFFFFF\\",
    b"\\.br\\",
    b"\\E",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xd8",
    b"\xc3",
]
SIGNS += [
    b"MSH|",
    b"\rMSH|^~\\&|",
    b"\rOBX|",
    b"\rPID|1\r",
    b"FHS|",
    b"BTS|1\r",
    b"1e999",
    b"0" * 40,
    b"-1",
    b"\xda\xaf",
]
SIGNS += [b"\x05", b"\x02", b"\x03", b"\x17", b"\x04", b"\x06", b"\x15", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01"]


def seeds():
    """Real captures that are not long, and three messages that use every odd corner."""
    found = sorted(path for path in CAPTURES.rglob("*") if path.suffix in {".hl7", ".astm"})
    bodies = [path.read_bytes() for path in found if path.stat().st_size <= LARGEST_SEED]
    return [*bodies, *[RESULT, LAW, RECORDS] * 8]


def damaged(chance, given):
    """One of `given` with one to six faults: flipped bits, cuts, foreign signs, repeats, pieces of another message."""
    body = bytearray(chance.choice(given))
    for _time in range(chance.randrange(1, 7)):
        at, kind = chance.randrange(len(body) + 1), chance.randrange(9)
        if kind == 0 and body:
            for _bit in range(chance.randrange(1, 9)):
                body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del body[at:]
        elif kind == 2:
            del body[at : at + chance.randrange(1, 60)]
        elif kind == 3:
            body[at:at] = chance.choice(SIGNS)
        elif kind == 4:
            other = chance.choice(given)
            start = chance.randrange(len(other) + 1)
            body[at:at] = other[start : start + chance.randrange(1, 400)]
        elif kind == 5:
            length = chance.randrange(1, 40)
            piece = bytes(body[at : at + length]) or b"^"
            body[at:at] = piece * chance.choice((2, 3, 10, 100, 1000 if chance.random() < 0.05 else 5))
        elif kind == 6:
            body = body.replace(
                *chance.choice(((b"|", b"@"), (b"^", b"~"), (b"\r", b"\n"), (b"\r", b"\r\n"), (b"&", b"^")))
            )
        elif kind == 7:
            body[at:at] = bytes(chance.randrange(256) for _sign in range(chance.randrange(1, 30)))
        else:
            # Nested marks: every level within every other.
            body[at:at] = b"".join(
                chance.choice((b"^", b"&", b"~", b"\\", b"|")) for _ in range(chance.randrange(1, 50))
            )
    return bytes(body)


class Broken(AssertionError):
    """A promise of the reader did not hold."""


def promise(holds, words):
    if not holds:
        raise Broken(words)


class Reader:
    """The wire without sockets and database: what it makes of one body."""

    def __init__(self):
        from lab_integration import profile
        from lab_integration.values import Test
        from mhac.labs import matching

        entries = [{"code": "CRP", "test": "crp", "unit": "mg/L"}, {"code": "C*", "test": "hiv"}]
        zone = ZoneInfo("Asia/Kabul")
        options = [
            {},
            {"qual_quant": True, "specimen_id": {"cut_at": "^", "upper": True, "strip_zeros": True, "pad_to": 11}},
            {"decimal_comma": True, "off_scale_from_range": True, "msh16": "sample_type", "charset": "cp1252"},
        ]
        self.hl7 = [profile.read({"name": "F", "dialect": "hl7", "code_map": entries, **one}, zone) for one in options]
        self.astm = profile.read({"name": "F", "dialect": "astm", "code_map": entries}, zone)
        self.tests = {
            "crp": Test("crp", "numeric", "mg/L"),
            "hiv": Test("hiv", "coded", "", ("reactive", "nonreactive")),
        }
        rules = {key: matching.TestRules(key) for key in self.tests}
        person = matching.Person(datetime.date(1994, 3, 2), "F", "ZA")
        self.specimen = matching.Specimen(OURS, person, rules)

    def frame(self, chance, body):
        """What became of one frame, in one word. Raises Broken or whatever our code raises."""
        from lab_integration import astm, mllp

        if chance.random() < 0.2 or body.startswith(b"H|"):
            wire = astm.ENQ + b"".join(astm.frames(body)) + astm.EOT if chance.random() < 0.5 else body
            return self._records(chance, astm.Receiver(), wire)
        deframer, ended = mllp.Deframer(), []
        try:
            for piece in _pieces(chance, b"\x0b" + body + b"\x1c\r"):
                ended += deframer.feed(piece)
            rest = deframer.close()
        except mllp.FramingError:
            return "refused by the codec"
        for found in ended:
            if isinstance(found, mllp.Frame):
                self._body(chance, found.body)
        return (
            "read" if any(isinstance(found, mllp.Frame) for found in ended) else "kept cut short" if rest else "nothing"
        )

    def _body(self, chance, body):
        from lab_integration import acknowledgement, hl7, observations

        pieces = hl7.split(body)
        promise(b"".join(pieces) == body, "the pieces of a batch are not its bytes")
        for piece in pieces:
            profile = chance.choice(self.hl7)
            try:
                message = hl7.parse(piece, profile.charset)
            except hl7.Unreadable as error:
                acknowledgement.unreadable(NOW, "MH1", str(error))
                continue
            short = hl7.parse_header(piece, profile.charset)
            promise(short.header.fields == message.header.fields, "header alone reads otherwise")
            for reply in acknowledgement.acknowledge(message, profile, NOW, "MH1"):
                promise(
                    reply.body is None or (b"\x0b" not in reply.body and b"\x1c" not in reply.body), "framing in reply"
                )
            message.clinical_content()
            found = observations.read_results(message, profile, NOW)
            there = sum(segment.name == "OBX" for segment in message.segments)
            alone = sum(row.qc != {} or row.settled in {"QC", "CALIBRATION"} for row in found.rows)
            promise(there <= len(found.rows) <= there + alone, f"{there} OBX came, {len(found.rows)} rows are shown")
            self._decide(found, profile)

    def _records(self, chance, receiver, wire):
        from lab_integration import astm, hl7, lis2
        from lab_integration.mllp import FramingError

        words = "nothing"
        try:
            ended = [found for piece in _pieces(chance, wire) for found in receiver.feed(piece)]
            rest = receiver.close()
        except FramingError:
            return "refused by the codec"
        for found in ended:
            if not isinstance(found, astm.Records):
                continue
            words = "read"
            pieces = lis2.split(found.body)
            promise(b"".join(pieces) == found.body, "the pieces of a session are not its bytes")
            for piece in pieces:
                try:
                    session = lis2.parse(piece)
                except hl7.Unreadable:
                    continue
                session.clinical_content()
                lis2.requests(session)
                rows = lis2.read_results(session, self.astm, NOW)
                promise(len(rows.rows) == sum(1 for _one in session.named("R")), "records came, but not all are shown")
                self._decide(rows, self.astm)
        return "kept cut short" if words == "nothing" and rest else words

    def _decide(self, found, profile):
        from lab_integration import reading
        from mhac.labs import matching

        lines = [one.line() for one in reading.map_rows(found.rows, profile, self.tests)]
        outcomes = matching.Matcher([self.specimen], matching.Rules(), "F").decide(lines)
        promise(len(outcomes) == len(found.rows), "rows came, but not all have an outcome")
        promise(all(one.state for one in outcomes), "a row has no state")


def _pieces(chance, data):
    """`data` cut at up to four places."""
    cuts = sorted({0, len(data), *(chance.randrange(len(data) + 1) for _cut in range(chance.randrange(5)))})
    return [data[one:two] for one, two in itertools.pairwise(cuts)]


def share(first, count, given=None):
    """Run frames `first` to `first + count`: what became of them, faults with their seed, the longest in seconds."""
    reader, given = Reader(), given or seeds()
    ended, faults, longest = Counter(), [], 0.0
    for seed in range(first, first + count):
        chance = random.Random(seed)
        body = damaged(chance, given)
        begun = time.perf_counter()
        try:
            ended[reader.frame(chance, body)] += 1
        except Exception as error:
            faults.append((seed, f"{type(error).__name__}: {error}"[:200]))
        took = time.perf_counter() - begun
        longest = max(longest, took)
        if took > HANG:
            faults.append((seed, f"hang: {took:.1f} s for {len(body)} bytes"))
    return ended, faults, longest


def _share(task):
    prepare()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ended, faults, longest = share(*task)
    return ended, faults, longest, before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def prepare():
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mhac.settings")
    # Nothing is signed and no database is asked: the settings only want them to be there.
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
    os.environ.setdefault("DATABASE_URL", "postgres://nobody@127.0.0.1/nothing")
    import django

    django.setup()


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.fuzz", description=__doc__)
    parser.add_argument("frames", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--socket", type=int, default=0, help="so many more through a real listener and its database")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    begun = time.monotonic()
    ended, faults, longest, grown, peak = Counter(), [], 0.0, 0, 0
    size = max(1, min(50_000, -(-asked.frames // max(1, asked.processes))))
    starts = range(asked.seed, asked.seed + asked.frames, size)
    tasks = [(first, min(size, asked.seed + asked.frames - first)) for first in starts]
    # Each process lives through all its shares, so that what grows shows.
    with multiprocessing.get_context("spawn").Pool(asked.processes) as pool:
        for words, wrong, slowest, before, after in pool.imap_unordered(_share, tasks):
            ended.update(words)
            faults += wrong
            longest, grown, peak = max(longest, slowest), max(grown, after - before), max(peak, after)
    took = time.monotonic() - begun
    told = ", ".join(f"{word} {count}" for word, count in sorted(ended.items()))
    hangs = sum(words.startswith("hang") for _seed, words in faults)
    print(f"{asked.frames} frames in {took:.0f} s: {told}")
    print(
        f"crashes {len(faults) - hangs}, hangs {hangs}, longest {longest * 1000:.0f} ms, memory {peak // 1024} MiB at most"
    )
    if asked.socket:
        from tests.reliability import through_the_socket

        faults += through_the_socket.run(asked.socket, asked.seed)
    for seed, words in faults[:20]:
        print(f"seed {seed}: {words}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
