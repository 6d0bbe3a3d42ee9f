"""Analyzers that speak first, by family: each asks what is to be done with a tube, measures, and sends results.

A device is pure text: messages out, the host's answers in; `line` carries them. Sources: `docs/wire.md` section 11 and
the manuals that it names; no device was at hand.
"""

import datetime
import itertools
from dataclasses import dataclass, field
from typing import ClassVar

from lab_integration.simulator.assay import Assay
from lab_integration.simulator.line import Lis1, Mllp, misread

NOT_RUN = ("ERROR", "INVALID", "NO RESULT")


def stamp(seconds: int = 0) -> str:
    """Local time without zone, as these devices write it."""
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)).strftime("%Y%m%d%H%M%S")


@dataclass
class Device:
    """What all have in common. `menu`: code -> Assay; the number of a message begins at 1 after every start."""

    name: str
    menu: dict[str, Assay] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.menu = self.menu or dict(self.usual)
        self.numbers = itertools.count(1)

    usual: ClassVar[dict[str, Assay]] = {}
    dialect: ClassVar[str] = "hl7"

    def run(self, line: Mllp | Lis1, specimens: list[str], codes: tuple[str, ...] = ()) -> list[str]:
        """Do the work of these tubes: what is asked for `codes`, else what the host orders; the answers that came."""
        answers = []
        for specimen in specimens:
            written = misread(specimen) if line.faults.wrong_id else specimen
            todo = codes or tuple(code for code in self.ask(line, specimen) if code in self.menu)
            answers += line.deliver(self.results(written, todo)) if todo else []
        return answers

    def ask(self, line: Mllp | Lis1, specimen: str) -> list[str]:
        raise NotImplementedError

    def results(self, specimen: str, codes: tuple[str, ...]) -> list[str]:
        raise NotImplementedError

    def controls(self) -> list[str]:
        """Messages of a control run; none for a device that sends no controls."""
        return []


class Mindray(Device):
    """A chemistry analyzer: HL7 2.3.1, one OBX a message, MSH-16 says sample (0), calibration (1) or control (2)."""

    usual = {
        "2": Assay("g/L", 3.9, 6.1, 1, name="GLU"),
        "5": Assay("U/L", 5, 40, 0, name="ALT"),
        "6": Assay("U/L", 5, 40, 0, name="AST"),
        "11": Assay("umol/L", 50, 105, 0, name="CREA"),
    }

    def header(self, type_: str, kind: str = "") -> str:
        return f"MSH|^~\\&|Mindray|{self.name}|||{stamp()}||{type_}|{next(self.numbers)}|P|2.3.1||||{kind}||ASCII|||"

    def results(self, specimen: str, codes: tuple[str, ...]) -> list[str]:
        return [self.result(specimen, code, place) for place, code in enumerate(codes, 1)]

    def result(self, specimen: str, code: str, place: int) -> str:
        assay = self.menu[code]
        value, flag = assay.value(specimen, code)
        return (
            f"{self.header('ORU^R01', '0')}\rPID|{place}|||||||||||||||||||||||||||\r"
            f"OBR|1|{specimen}|{place}|Mindray^{self.name}|N|{stamp(-600)}|{stamp(-300)}||||||||serum|||||||||||||||||\r"
            f"OBX|1|NM|{code}|{assay.name}|{value}|{assay.unit}|{assay.low:g}-{assay.high:g}|{flag}|||F|||{stamp()}||\r"
        )

    def controls(self) -> list[str]:
        """Two levels of one lot for every test; the values stand in OBR, there is no OBX."""
        return [
            f"{self.header('ORU^R01', '2')}\r"
            f"OBR|1|{code}|{assay.name}||||||||||QUALICHEM|LOT7|20281231||{level}|{mean:.2f}|{width / 20:.3f}|"
            f"{assay.value(level, code)[0]}|{assay.unit}|\r"
            for code, assay in self.menu.items()
            for width in [assay.high - assay.low]
            for level, mean in (("L", assay.low + width / 4), ("H", assay.high))
        ]

    def ask(self, line: Mllp | Lis1, specimen: str) -> list[str]:
        """QRY^Q02; QCK^Q02 says OK or NF, DSR^Q03 brings the tests from DSP 29 on and is acknowledged."""
        assert isinstance(line, Mllp)
        query = (
            f"{self.header('QRY^Q02')}\rQRD|{stamp()}|R|D|{next(self.numbers)}|||RD|{specimen}|OTH|||T|\r"
            f"QRF|{self.name}|||||RCT|COR|ALL||\r"
        )
        line.write(b"\x0b" + query.encode() + b"\x1c\r")
        if "\rQAK|SR|OK" not in line.next_block():
            return []
        answer = line.next_block()
        rows = [row.split("|") for row in answer.split("\r") if row]
        ended = f"{self.header('ACK^Q03')}\rMSA|AA|{rows[0][9]}|Message accepted|||0|\rERR|0|\r"
        line.write(b"\x0b" + ended.encode() + b"\x1c\r")
        displayed = [(int(row[1]), row[3].split("^")[0]) for row in rows if row[0] == "DSP" and len(row) > 3]
        return [code for number, code in displayed if number >= 29 and code]


class GeneXpert(Device):
    """A cartridge analyzer: HL7 2.5, ORU^R32 that waits for CA, SPM after OBX, `qualitative^quantitative` values."""

    usual = {"MTBRIF": Assay(words=("NOT DETECTED", "DETECTED LOW", *NOT_RUN), odd_one_in=4, name="MTB")}

    def header(self, type_: str) -> str:
        number = f"{stamp()}-{next(self.numbers)}"
        return f"MSH|^~\\&|{self.name}^GX^6.4||LIS||{stamp()}||{type_}|{number}|P|2.5|||AL|NE"

    def results(self, specimen: str, codes: tuple[str, ...]) -> list[str]:
        return [self.result(specimen, code, *self.menu[code].value(specimen, code)) for code in codes]

    def result(self, specimen: str, code: str, value: str, flag: str) -> str:
        """One cartridge. A run that failed has its word as value; a found one has its Ct and its resistance row."""
        failed, found = value in NOT_RUN, value.startswith("DETECTED")
        rows = [("MTB", f"{value}^", flag)]
        if not failed:
            rows += [("Rif Resistance", "NOT DETECTED^" if found else "^", "")]
            rows += [("Probe D&Ct", f"POS^{24.1 if found else 0}", ""), ("Probe D&EndPt", "POS^212.0", "")]
        status = "X" if failed else "F"
        observed = "".join(
            f"OBX|{place}|ST|{code}|{analyte}|{text}|||{sign}|||{status}|||||nobody||{self.name}|{stamp()}\r"
            for place, (analyte, text, sign) in enumerate(rows, 1)
        )
        return (
            f"{self.header('ORU^R32^ORU_R30')}\rPID|1\rORC|RE\rOBR|1|||{code}|||{stamp(-5400)}\rTQ1|||||||||R\r"
            f"{observed}SPM||{specimen}||ORH|||||||P\r"
        )

    def ask(self, line: Mllp | Lis1, specimen: str) -> list[str]:
        """QBP^Z01 with the specimen in QPD-4; RSP^Z02 has ORC NW and OBR-4 for every order, or none."""
        assert isinstance(line, Mllp)
        tag = f"{stamp()}{next(self.numbers)}"
        query = f"{self.header('QBP^Z01^QBP_Z01')}\rQPD|Z01^HostQuery^CEPHEID|{tag}||{specimen}\rRCP|I\r"
        line.write(b"\x0b" + query.encode() + b"\x1c\r")
        answer = line.next_block()
        if said_only_accepted(answer):
            answer = line.next_block()
        return [row.split("|")[4].split("^")[0] for row in answer.split("\r") if row.startswith("OBR|")]


class Astm(Device):
    """A small analyzer: LIS2-A2 records in LIS1 frames."""

    dialect = "astm"
    usual = {
        "ALT": Assay("U/L", 5, 40, 0),
        "GLU": Assay("mmol/L", 3.9, 6.1, 1),
        "HIV": Assay(words=("NONREACTIVE", "REACTIVE"), odd_one_in=60),
    }

    def header(self) -> str:
        return f"H|\\^&|{next(self.numbers)}||{self.name}^1.0|||||||P|LIS2-A2|{stamp()}"

    def results(self, specimen: str, codes: tuple[str, ...]) -> list[str]:
        rows = [self.header(), "P|1"]
        for place, code in enumerate(codes, 1):
            assay = self.menu[code]
            value, flag = assay.value(specimen, code)
            rows.append(f"O|{place}|{specimen}||^^^{code}|R||||||N||||1||||||||||F")
            rows.append(f"R|1|^^^{code}|{value}|{assay.unit}||{flag}||F||nobody|{stamp(-60)}|{stamp()}|{self.name}")
        return ["\r".join([*rows, "L|1|N"]) + "\r"]

    def controls(self) -> list[str]:
        rows = [self.header(), "P|1"]
        for place, (code, assay) in enumerate(self.menu.items(), 1):
            value = assay.words[0] if assay.words else f"{(assay.low + assay.high) / 2:.{assay.decimals}f}"
            rows.append(f"O|{place}|CONTROL-1||^^^{code}|R||||||Q||||1||||||||||F")
            rows.append(f"R|1|^^^{code}|{value}|{assay.unit}||N||F||nobody||{stamp()}|{self.name}")
        return ["\r".join([*rows, "L|1|N"]) + "\r"]

    def ask(self, line: Mllp | Lis1, specimen: str) -> list[str]:
        """A Q record; the host answers with a session of its own: O-5 names the tests, L-3 I means nothing."""
        assert isinstance(line, Lis1)
        line.deliver([f"{self.header()}\rQ|1|^{specimen}||ALL||||||||O\rL|1|N\r"])
        orders = [row.split("|") for row in line.next_records().split("\r") if row.startswith("O|")]
        return [test.split("^")[3] for row in orders for test in row[4].split("\\") if test.count("^") >= 3]


def said_only_accepted(answer: str) -> bool:
    return "\rMSA|CA|" in answer


FAMILIES = {"mindray": Mindray, "genexpert": GeneXpert, "astm": Astm}
