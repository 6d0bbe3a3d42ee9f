"""A simulated analyzer that speaks IHE LAW. It shares no code with our reader, on purpose.

It takes OML^O33 on a port of its own, answers ORL^O34 step by step, "measures" for a while and sends OUL^R22 to the
laboratory system until that says AA. It can also ask what is to be done with a tube (LAB-27).
"""

import datetime
import itertools
import logging
import queue
import socket
import threading
import time
from dataclasses import dataclass, field

from lab_integration.simulator.assay import Assay
from lab_integration.simulator.line import blocks

log = logging.getLogger("lab.simulator")
PATIENCE = 15.0
AGAIN = 3.0


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
    measured: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.work: queue.Queue[list[Work]] = queue.Queue()
        self.stopping = threading.Event()
        self.numbers = itertools.count(1)
        self.delivered: list[str] = []
        self.sending = 0

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

    def ask(self, specimen: str, name: str = "SIMULATOR", patience: float = PATIENCE) -> int:
        """LAB-27: ask what is to be done with a tube, take the order that follows; how many steps it brings."""
        header = self._header(["MSH", "^~\\&", "MHAC", "LAB", name], "QBP^Q11^QBP_Q11", "LAB-27^IHE")
        header = header.replace("|2.5.1||||||", "|2.5.1|||NE|AL||")
        tag = f"Q{time.time_ns()}"
        query = f"{header}\rQPD|WOS^Work Order Step^IHE_LABTF|{tag}|{specimen}\rRCP|I||R\r"
        before = len(self.steps)
        with socket.create_connection(self.listener, timeout=patience) as line:
            line.sendall(b"\x0b" + query.encode("utf-8") + b"\x1c\r")
            for body in blocks(line):
                text = body.decode("utf-8")
                if "|OML^O33" in text.split("\r")[0]:
                    line.sendall(b"\x0b" + self.answer(text).encode("utf-8") + b"\x1c\r")
                    return len(self.steps) - before
        return 0

    def _take(self, control: str, step: str, code: str) -> str:
        if control == "CA":
            self.cancelled.add(step)
            return "CR" if step in self.steps and step not in self.measured else "UC"
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
            work = [one for one in work if one.step not in self.cancelled]
            self.sending += 1
            self.measured |= {one.step for one in work}
            self.deliver(work)
            self.sending -= 1

    def busy(self) -> bool:
        """Whether results are on their way."""
        return self.sending > 0

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
