// node deliver.mjs CLIENT HOST PORT FILE...   one line of JSON for each file: what MSA-1 and MSA-2 of the answer say.
// CLIENT is node-hl7-client or medplum; each is used as its own documentation shows.
import { readFileSync } from "node:fs";

const [client, host, port, ...files] = process.argv.slice(2);
const texts = files.map((file) => readFileSync(file, "utf-8"));
const say = (code, number) => console.log(JSON.stringify({ code, number }));

async function withNodeHl7Client() {
  const { default: Client, Message } = await import("node-hl7-client");
  const answers = [];
  const line = new Client({ host, version: "2.3.1" }).createConnection(
    { port: Number(port), waitAck: true, maxConnectionAttempts: 2 },
    async (answer) => {
      const said = answer.getMessage();
      answers.push([said.get("MSA.1").toString(), said.get("MSA.2").toString()]);
    },
  );
  for (const text of texts) {
    await line.sendMessage(new Message({ text }));
    while (answers.length < texts.indexOf(text) + 1) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  answers.forEach((one) => say(...one));
  await line.close();
}

async function withMedplum() {
  const { Hl7Client } = await import("@medplum/hl7");
  const { Hl7Message } = await import("@medplum/core");
  const line = new Hl7Client({ host, port: Number(port), keepAlive: true });
  for (const text of texts) {
    const said = (await line.sendAndWait(Hl7Message.parse(text))).getSegment("MSA");
    say(said.getField(1).toString(), said.getField(2).toString());
  }
  await line.close();
}

setTimeout(() => {
  console.error("no answer within 15 seconds");
  process.exit(3);
}, 15000).unref();
await (client === "medplum" ? withMedplum() : withNodeHl7Client());
process.exit(0);
