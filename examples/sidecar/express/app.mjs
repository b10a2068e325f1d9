// An application that takes Smartcar's webhooks itself, with Express and Smartcar's SDK. It knows nothing of Caddy.
import {appendFileSync, existsSync, readFileSync} from 'node:fs';
import express from 'express';
import smartcar from 'smartcar';

const {SMARTCAR_TOKEN: token, PORT: port = '3000', EVENTS_FILE: file = 'app-events.jsonl'} = process.env;
if (!token) {
  console.error("SMARTCAR_TOKEN is not set: it is the Application Management Token from Smartcar's dashboard");
  process.exit(1);
}

// Smartcar sends an event again when it is not sure that it has arrived.
const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
const seen = new Set(lines.map((line) => JSON.parse(line).eventId));

const app = express();
app.use(express.json());

app.post('/webhooks/smartcar', (req, res) => {
  const event = req.body;
  if (event?.eventType === 'VERIFY') {
    return res.json({challenge: smartcar.hashChallenge(token, event.data.challenge)});
  }
  if (!smartcar.verifyPayload(token, req.get('SC-Signature'), event)) {
    console.log('refused: wrong signature');
    return res.sendStatus(401);
  }
  const {eventId, eventType, data} = event;
  if (seen.has(eventId)) {
    console.log(`again ${eventId}`);
    return res.sendStatus(200);
  }
  appendFileSync(file, `${JSON.stringify({eventId, eventType, vehicleId: data?.vehicle?.id})}\n`);
  seen.add(eventId);
  console.log(`event ${eventId} ${eventType}`);
  return res.sendStatus(200);
});

const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) {
    throw error;
  }
  console.log(`waiting for webhooks on http://127.0.0.1:${port}/webhooks/smartcar`);
});
process.on('SIGTERM', () => server.close());
