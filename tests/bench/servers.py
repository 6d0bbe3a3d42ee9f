"""The other servers that `lab` measures ours against: `python -m tests.bench.servers hl7|hl7apy|hl7apy-parse`.

Each listens on a free port of this machine, prints it, and answers every ORU^R01; none of them keeps anything.
"""

import asyncio
import sys

import hl7.mllp
from hl7apy.core import Message
from hl7apy.mllp import AbstractHandler, MLLPServer
from hl7apy.parser import parse_message


async def _converse(reader, writer):
    """python-hl7: parse the message, answer with its acknowledgement."""
    try:
        while not writer.is_closing():
            message = await reader.readmessage()
            writer.writemessage(message.create_ack())
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def python_hl7():
    server = await hl7.mllp.start_hl7_server(_converse, host="127.0.0.1", port=0, encoding="utf-8")
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class Acknowledge(AbstractHandler):
    """hl7apy: an acknowledgement built with its own classes, with or without parsing first."""

    def __init__(self, message, parses):
        super().__init__(message)
        self.parses = parses

    def reply(self):
        number = self.incoming_message.split("|", 10)[9]
        if self.parses:
            number = parse_message(self.incoming_message, find_groups=False).msh.msh_10.to_er7()
        answer = Message("ACK", version="2.5.1")
        answer.msh.msh_9 = "ACK^R01"
        answer.msa = f"MSA|AA|{number}"
        return answer.to_mllp()


def hl7apy(parses):
    server = MLLPServer("127.0.0.1", 0, {"ORU^R01^ORU_R01": (Acknowledge, parses)})
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "hl7":
        asyncio.run(python_hl7())
    else:
        hl7apy(sys.argv[1] == "hl7apy-parse")
