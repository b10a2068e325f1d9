// A handler in Node: it reports errors of vehicles. It says of itself which events it wants and which settings it takes.
import { createInterface } from "node:readline";

const hello = { name: "errors", wants: ["VEHICLE_ERROR"], max_batch: 20, settings: { word: { type: "string" } } };
let word = "error";

async function handle(event) {
  if (!event.payload) return { result: "reject", reason: "unreadable", error: "the body is not JSON" };
  if (!event.replay) console.error(`${word}, event ${event.event_id}`);
  return { result: "done" };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, events, settings } = JSON.parse(line);
  if (id === 0) word = settings.word ?? word;
  const results = [];
  for (const event of events) results.push(await handle(event));
  console.log(JSON.stringify({ id, results, ...(id === 0 && hello) }));
}
