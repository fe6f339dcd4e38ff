// People with the SDK, who do what lines of JSON on standard input say, and answer with lines of JSON.
//
//   {"id": 1, "who": "alice", "service": "IS…", "on": {"channel": "CH…"}, "call": "sendMessage", "args": ["hello"]}
//   {"id": 1, "ok": 0}      or      {"id": 1, "error": {"code": 50056, "status": 403}}
//
// `on` says whose method is called: nothing is the client; `{"channel": …}` a channel; with `"message": index` one
// of its messages, with `"member": identity` one of its members; `{"user": identity}` a user. `call` is a method of
// the SDK, or `login`, with what the grant says besides, or `logout`; `hears`, which waits until an event is told, and
// gives the reasons of an update; `read`, which gives a property; `begins`, which calls a method and does not wait; or
// `token`, which gives the access token of somebody who need not be logged in. An argument
// `{"file": "text", "type": "text/plain"}` is a file.

import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { inTime } from '../../conformance/sdk/checks.mjs';
import { Client, options } from '../../conformance/sdk/sdk.mjs';
import { token } from '../../conformance/sdk/token.mjs';

const clients = new Map();

async function clientOf({ who, service, call, args }) {
  const key = `${service} ${who}`;
  if (!clients.has(key)) {
    const grant = call === 'login' ? args?.[0] : undefined;
    clients.set(key, Client.create(token(who, service, { grant }), options()));
  }
  return inTime(`${who} logs in`, clients.get(key));
}

async function logout({ who, service }) {
  const client = await clientOf({ who, service });
  clients.delete(`${service} ${who}`);
  await inTime(`${who} logs out`, client.shutdown());
  return null;
}

async function subject(client, { channel, message, member, user } = {}) {
  if (user !== undefined) return client.getUser(user);
  if (channel === undefined) return client;
  const found = await client.getChannelBySid(channel);
  if (message !== undefined) return (await found.getMessages(1, message)).items[0];
  return member === undefined ? found : found.getMemberByIdentity(member);
}

function argument(given) {
  return given?.file === undefined ? given : { contentType: given.type, media: Buffer.from(given.file) };
}

async function done(asked) {
  if (asked.call === 'token') return token(asked.who, asked.service);
  if (asked.call === 'logout') return logout(asked);
  const client = await clientOf(asked);
  if (asked.call === 'login') return null;
  const on = await inTime('finding it', subject(client, asked.on));
  if (asked.call === 'hears') {
    const [told] = await inTime(asked.args[0], once(on, asked.args[0]));
    return told?.updateReasons ?? null;
  }
  if (asked.call === 'read') return on[asked.args[0]] ?? null;
  if (asked.call === 'begins') {
    const [method, ...args] = asked.args;
    on[method](...args).catch(() => {});
    return null;
  }
  const result = await inTime(asked.call, on[asked.call](...(asked.args ?? []).map(argument)));
  if (typeof result === 'number' || asked.call === 'parsePushNotification') return result;
  return result?.sid ?? null;
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  const asked = JSON.parse(line);
  let answer;
  try {
    answer = { ok: await done(asked) };
  } catch (error) {
    const { code, status, message, body } = error;
    answer = { error: { code: code ?? body?.code, status: status ?? body?.status, message } };
  }
  console.log(JSON.stringify({ id: asked.id, ...answer }));
});

process.on('unhandledRejection', () => {});
console.log('ready');
