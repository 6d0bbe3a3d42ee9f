"""A simulated analyzer that speaks IHE LAW, for training and tests. It shares no code with our reader, on purpose.

It takes OML^O33 on a port of its own, answers ORL^O34 step by step, "measures" for a while and sends OUL^R22 to the
laboratory system until that says AA. Its values are plausible, depend only on specimen and code, and are now and then
abnormal.
"""

import datetime
import hashlib
import itertools
import logging
import queue
import socket
import threading
import time
from dataclasses import dataclass, field

log = logging.getLogger("lab.simulator")
PATIENCE = 15.0
AGAIN = 3.0


@dataclass(frozen=True)
class Assay:
    """What the analyzer can measure under one code: a number between limits, or a word."""

    unit: str = ""
    low: float = 0.0
    high: float = 1.0
    decimals: int = 1
    words: tuple[str, ...] = ()  # the first is the normal one
    odd_one_in: int = 12

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


@dataclass
class Work:
    """One step that was ordered: which specimen, which code, under which id."""

    name: str
    specimen: str
    code: str
    step: str
    due: float = 0.0


@dataclass
class Analyzer:
    """The device. `menu`: code -> Assay. `listener`: where results go. `delay`: seconds a measurement takes."""

    menu: dict[str, Assay]
    listener: tuple[str, int]
    delay: float = 3.0
    steps: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.work: queue.Queue[list[Work]] = queue.Queue()
        self.stopping = threading.Event()
        self.numbers = itertools.count(1)
        self.delivered: list[str] = []

    # -- orders in ----------------------------------------------------------------------------------------------------

    def open(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Take orders on `port` (0: a free one); the port."""
        self.door = socket.create_server((host, port))
        threading.Thread(target=self._accept, daemon=True).start()
        threading.Thread(target=self._measure, daemon=True).start()
        return int(self.door.getsockname()[1])

    def resume(self, work: list[Work]) -> None:
        """Go on with steps that were accepted before the device was switched off."""
        self.steps |= {one.step for one in work}
        self.work.put(work)

    def close(self) -> None:
        self.stopping.set()
        self.door.close()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                line, _address = self.door.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(line,), daemon=True).start()

    def _converse(self, line: socket.socket) -> None:
        with line:
            for body in blocks(line):
                line.sendall(b"\x0b" + self.answer(body.decode("utf-8")).encode("utf-8") + b"\x1c\r")

    def answer(self, text: str) -> str:
        """ORL^O34 to an order: every step is accepted once, and refused when its id was used before."""
        rows = [line.split("|") for line in text.split("\r") if line]
        header = rows[0]
        lines = [self._header(header, "ORL^O34^ORL_O42", "LAB-28^IHE"), f"MSA|AA|{header[9]}"]
        specimen, control, found = "", "", []
        for row in rows[1:]:
            if row[0] == "SPM":
                specimen = _field(row, 2)
                lines.append("|".join(row))
            elif row[0] == "SAC":
                specimen = _field(row, 3) or specimen
                lines.append("|".join(row))
            elif row[0] == "ORC":
                control = _field(row, 1)
            elif row[0] == "OBR" and control in ("NW", "CA"):
                step, code = _field(row, 2), plain(_field(row, 4).split("^")[0])
                word = self._take(control, step, code)
                lines += [f"ORC|{word}|{step}", "|".join(row)]
                if word == "OK":
                    name = _field(header, 4) or "SIMULATOR"
                    found.append(Work(name, specimen, code, step, time.monotonic() + self.delay))
        if found:
            self.work.put(found)
        if control == "DC":
            lines = lines[:2]
        return "\r".join(lines) + "\r"

    def _take(self, control: str, step: str, code: str) -> str:
        if control == "CA":
            self.cancelled.add(step)
            return "CR" if step in self.steps else "UC"
        if step in self.steps or code not in self.menu:
            return "UA"
        self.steps.add(step)
        return "OK"

    def _header(self, theirs: list[str], type_: str, profile: str) -> str:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d%H%M%S+0000")
        number = f"SIM{int(time.time())}{next(self.numbers):05d}"
        ours = theirs[4] or "SIMULATOR"
        names = f"MSH|^~\\&|{ours}|BENCH|{theirs[2]}|{theirs[3]}|{now}"
        return f"{names}||{type_}|{number}|P|2.5.1||||||UNICODE UTF-8|||{profile}"

    # -- results out --------------------------------------------------------------------------------------------------

    def _measure(self) -> None:
        while not self.stopping.is_set():
            try:
                work = self.work.get(timeout=0.5)
            except queue.Empty:
                continue
            self.stopping.wait(max(0.0, work[0].due - time.monotonic()))
            self.deliver([one for one in work if one.step not in self.cancelled])

    def deliver(self, work: list[Work]) -> None:
        """Send the results of one specimen, the same message again until it is acknowledged."""
        if not work:
            return
        body = self.results(work)
        number = body.split("|", 10)[9]
        while not self.stopping.is_set():
            try:
                if self.send(body) in ("AA", "CA"):
                    self.delivered.append(number)
                    log.info("results of %s delivered", work[0].specimen)
                    return
            except OSError as error:
                log.info("the laboratory system was not reached: %s", error)
            self.stopping.wait(AGAIN)

    def send(self, body: str) -> str:
        """Send one message over a connection of its own; what MSA-1 answers, "" when nothing came."""
        with socket.create_connection(self.listener, timeout=PATIENCE) as line:
            line.sendall(b"\x0b" + body.encode("utf-8") + b"\x1c\r")
            for reply in blocks(line):
                for row in reply.decode("utf-8").split("\r"):
                    if row.startswith("MSA|"):
                        return row.split("|")[1]
        return ""

    def results(self, work: list[Work]) -> str:
        """OUL^R22 for one specimen: each step with its order, its result and its dilution row."""
        now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d%H%M%S+0000")
        header = f"MSH|^~\\&|{work[0].name}|BENCH|MHAC|LAB|{now}||OUL^R22^OUL_R22"
        number = f"SIM{int(time.time())}{next(self.numbers):05d}"
        lines = [f"{header}|{number}|P|2.5.1|||NE|AL||UNICODE UTF-8|||LAB-29^IHE"]
        specimen = work[0].specimen
        lines += [f"SPM|1|{specimen}||SER^^HL70487|||||||P^^HL70369", f"SAC|||{specimen}"]
        for place, one in enumerate(work, 1):
            assay = self.menu[one.code]
            value, flag = assay.value(specimen, one.code)
            code, kind = escaped(one.code), "ST" if assay.words else "NM"
            lines += [
                f"OBR|{place}|{one.step}||{code}",
                f"ORC|SC|{one.step}|||CM",
                f"OBX|1|{kind}|{code}^^99SIM|1|{escaped(value)}|{escaped(assay.unit)}||{flag}^^HL70078"
                f"|||F|||||SIMULATOR||SIM^TRAINING|{now}",
                f"TCD|{code}",
            ]
        return "\r".join(lines) + "\r"


def blocks(line: socket.socket):  # type: ignore[no-untyped-def]
    """The bodies that come over a connection, until it ends."""
    data = b""
    while True:
        while b"\x1c" in data:
            block, _end, data = data.partition(b"\x1c")
            yield block.rpartition(b"\x0b")[2]
        piece = line.recv(65536)
        if not piece:
            return
        data += piece


def _field(row: list[str], number: int) -> str:
    return row[number] if number < len(row) else ""


def escaped(text: str) -> str:
    for sign, word in (("\\", "\\E\\"), ("|", "\\F\\"), ("^", "\\S\\"), ("&", "\\T\\"), ("~", "\\R\\")):
        text = text.replace(sign, word)
    return text


def plain(text: str) -> str:
    for sign, word in (("|", "\\F\\"), ("^", "\\S\\"), ("&", "\\T\\"), ("~", "\\R\\"), ("\\", "\\E\\")):
        text = text.replace(word, sign)
    return text
