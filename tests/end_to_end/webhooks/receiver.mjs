// An application that receives webhooks, with express and the vendor's middleware: `node receiver.mjs [--port N]`.
//
// Its webhook is every path under /hook. It answers as it was told at /control/plan, and tells at
// /control/received what came. `receiver.py` does the same in Python; `tests/support/receiver.py` starts either,
// and says what a rule of the plan may hold.

import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const require = createRequire(new URL('../../conformance/node/', import.meta.url));
const express = require('express');
const twilio = require('twilio6');

const { AUTH_TOKEN, RECEIVER_LENIENT } = process.env;
const LENIENT = RECEIVER_LENIENT === '1';

const { values: { port } } = parseArgs({ options: { port: { type: 'string', default: '0' } } });

/** The longest body, in bytes. What express has without being told, 100 kB, is less than the longest message. */
const LONGEST = 1024 ** 2;

const received = [];
const tokens = new Set();
let plan = [];

const app = express();

const form = express.urlencoded({
  limit: LONGEST,
  verify: (request, response, bytes) => {
    request.rawBody = bytes.toString();
  },
});
const genuine = twilio.webhook({ validate: !LENIENT }, AUTH_TOKEN);

app.use('/hook', form, remember, genuine, answer);

app.post('/control/plan', express.json({ limit: LONGEST }), (request, response) => {
  plan = request.body;
  response.status(204).end();
});

app.get('/control/received', (request, response) => {
  response.json(received.map((record) => ({ ...record, params: paramsOf(record) })));
});

app.delete('/control/received', (request, response) => {
  received.length = 0;
  tokens.clear();
  response.status(204).end();
});

app.get('/control/count', (request, response) => {
  response.json({ count: received.length, ids: tokens.size });
});

function remember(request, response, next) {
  const record = {
    method: request.method,
    url: request.originalUrl,
    headers: request.headers,
    body: request.rawBody ?? '',
    valid: twilio.validateExpressRequest(request, AUTH_TOKEN),
    at: Date.now(),
    answered: null,
  };
  response.on('finish', () => {
    record.answered = response.statusCode;
  });
  received.push(record);
  const token = request.get('I-Twilio-Idempotency-Token');
  if (token) tokens.add(token);
  response.locals.record = record;
  next();
}

async function answer(request, response) {
  const rule = ruleFor(response.locals.record);
  await sleep((rule.delay ?? 0) * 1000);
  if (rule.hang) return;
  if (rule.drop) {
    request.socket.destroy();
    return;
  }
  response.status(rule.status ?? 200).type(rule.type ?? 'application/json').set(rule.headers ?? {});
  response.send(rule.size === undefined ? rule.body ?? '' : 'x'.repeat(rule.size));
}

/** Return the first rule that this request is a case of, and that is not used up. */
function ruleFor(record) {
  const params = paramsOf(record);
  const rule = plan.find(({ match = {}, path = '', times = Infinity, used = 0 }) => (
    used < times
    && record.url.startsWith(path)
    && Object.entries(match).every(([name, value]) => params[name]?.includes(value))
  ));
  if (!rule) return {};
  rule.used = (rule.used ?? 0) + 1;
  return rule;
}

function paramsOf({ method, url, body }) {
  const found = {};
  const { searchParams } = new URL(url, 'http://receiver');
  for (const [name, value] of method === 'GET' ? searchParams : new URLSearchParams(body)) {
    (found[name] ??= []).push(value);
  }
  return found;
}

const server = app.listen(Number(port), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
