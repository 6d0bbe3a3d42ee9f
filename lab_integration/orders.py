"""Order messages for analyzers, built and validated with hl7apy: OML^O33 of IHE LAW (LAB-28). No I/O.

One message is about one specimen; each step has an id of its own (AWOS) that is never used again. hl7apy is imported
when the first message is built: it costs half a second once.
"""

import datetime
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lab_integration import lis2
from lab_integration.acknowledgement import APPLICATION, FACILITY, OURS, stamp
from lab_integration.hl7 import Delimiters, escape

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NEW, CANCEL, NOTHING = "NW", "CA", "DC"
MARKS = Delimiters()
MARKS_OF_LIS2 = Delimiters("|", "^", "\\", "&", "\ue000", sent="|\\^&")


@dataclass(frozen=True)
class Step:
    """One analysis to be done: the analyzer's code, our id for this attempt, R or S."""

    code: str
    step_id: str
    priority: str = "R"

    def record(self) -> dict[str, str]:
        return {"code": self.code, "step_id": self.step_id, "priority": self.priority}


@dataclass(frozen=True)
class SpecimenOrder:
    """What is asked for one specimen: new steps, cancelled ones, or (DC) that there is nothing to do."""

    specimen_id: str
    control: str = NEW
    steps: Sequence[Step] = ()
    patient: dict[str, Any] = field(default_factory=dict)  # sex, birth_date: only where the profile sends them

    def record(self) -> dict[str, Any]:
        return {
            "specimen_id": self.specimen_id,
            "control": self.control,
            "steps": [step.record() for step in self.steps],
        }


def base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = ALPHABET[digit] + digits
    return digits or "0"


def fresh(now: datetime.datetime, prefix: str = OURS) -> str:
    """A number for MSH-10 or a step that is never used again: milliseconds and 32 random bits, 18 signs."""
    value = int(now.timestamp() * 1000) << 32 | secrets.randbits(32)
    return prefix + base36(value).rjust(16, "0")


def namespace(name: str) -> str:
    """A device's name as HD-1, which holds 20 signs in 2.5.1; a separator in it becomes a blank."""
    plain = "".join(" " if sign in "|^~\\&" or not sign.isprintable() else sign for sign in name)
    return " ".join(plain.split())[:20].rstrip() or "ANALYZER"


def oml_o33(orders: Sequence[SpecimenOrder], *, number: str, now: datetime.datetime, receiver: str = "") -> bytes:
    """The order message for these specimens (of one person, where a person is named), standard delimiters, UTF-8.

    hl7apy's ValidationError if it were no OML^O33.
    """
    from hl7apy.consts import VALIDATION_LEVEL  # type: ignore[import-untyped]
    from hl7apy.core import Message  # type: ignore[import-untyped]

    message = Message("OML_O33", version="2.5.1", validation_level=VALIDATION_LEVEL.STRICT)
    header = message.msh
    header.msh_3, header.msh_4, header.msh_5 = APPLICATION, FACILITY, namespace(receiver)
    header.msh_7, header.msh_9, header.msh_10 = stamp(now), "OML^O33^OML_O33", number
    header.msh_11, header.msh_12 = "P", "2.5.1"
    header.msh_15, header.msh_16 = "NE", "AL"
    header.msh_18, header.msh_21 = "UNICODE UTF-8", "LAB-28^IHE"
    if orders[0].patient:
        _add_patient(message, orders[0].patient)
    for place, order in enumerate(orders, 1):
        group = message.add_group("OML_O33_SPECIMEN")
        identifier = escape(order.specimen_id, MARKS) or '""'
        specimen, container = group.add_segment("SPM"), group.add_segment("SAC")
        specimen.spm_1, specimen.spm_2, specimen.spm_4 = str(place), identifier, "ORH^^HL70487"
        specimen.spm_11 = "P^^HL70369"
        container.sac_3 = identifier
        for step_place, step in enumerate(order.steps, 1):
            _add_step(group, step_place, step, order.control, now)
        if not order.steps:
            common = group.add_group("OML_O33_ORDER").add_segment("ORC")
            common.orc_1, common.orc_9 = order.control, stamp(now)
    message.validate()
    return str(message.to_er7()).rstrip("\r").encode() + b"\r"


def records(order: SpecimenOrder, *, number: str, now: datetime.datetime, receiver: str) -> bytes:
    """The same as LIS2-A2 records (H P O... L), for a line that we opened: O-12 N or C (cancel), O-26 O (order)."""
    header = ["H", MARKS_OF_LIS2.sent, number, "", APPLICATION, *[""] * 4, receiver, "", "P", "LIS2-A2"]
    person = ["P", "1"]
    if order.patient:
        born = (order.patient.get("birth_date") or "").replace("-", "")
        person += ["", "", "", "", "", born, order.patient.get("sex") or ""]
    lines = [[*header, f"{now:%Y%m%d%H%M%S}"], person]
    for place, step in enumerate(order.steps, 1):
        test = MARKS_OF_LIS2.component * 3 + escape(step.code, MARKS_OF_LIS2)
        fields = ["O", str(place), escape(order.specimen_id, MARKS_OF_LIS2), "", test, step.priority, *[""] * 19, "O"]
        fields[11] = "C" if order.control == CANCEL else "N"
        lines.append(fields)
    return lis2.build([*lines, ["L", "1", "N"]], MARKS_OF_LIS2).encode()


def _add_patient(message: Any, patient: dict[str, Any]) -> None:
    person = message.add_group("OML_O33_PATIENT").add_segment("PID")
    # A number and a name are required by the structure; neither leaves the house.
    person.pid_3, person.pid_5 = "U", "^^^^^^U"
    if patient.get("birth_date"):
        person.pid_7 = patient["birth_date"].replace("-", "")
    if patient.get("sex"):
        person.pid_8 = patient["sex"]


def _add_step(group: Any, place: int, step: Step, control: str, now: datetime.datetime) -> None:
    asked = group.add_group("OML_O33_ORDER")
    common = asked.add_segment("ORC")
    common.orc_1, common.orc_9 = control, stamp(now)
    timing = asked.add_group("OML_O33_TIMING").add_segment("TQ1")
    timing.tq1_1, timing.tq1_9 = "1", f"{step.priority}^^HL70485"
    request = asked.add_group("OML_O33_OBSERVATION_REQUEST")
    wanted, code = request.add_segment("OBR"), escape(step.code, MARKS)
    wanted.obr_1, wanted.obr_2, wanted.obr_4 = str(place), step.step_id, code
    request.add_segment("TCD").tcd_1 = code
