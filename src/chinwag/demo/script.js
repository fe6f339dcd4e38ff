// Everything that this page does with the client library. How it looks is in view.js.
import { View } from './view.js';

const CHANNEL = 'demo';
const PAGE = 30;                                                // messages that are fetched at a time
const LEAST_MS_BETWEEN_TOKENS = 5000;

const query = new URLSearchParams(location.search);
const me = (query.get('as') ?? '').trim();
const socket = `${location.origin.replace(/^http/, 'ws')}/v3/wsconnect`;

const view = new View(me, socket);
if (me) {
  start().catch((error) => view.trouble(error));
} else {
  view.askWho();
}

async function start() {
  if (!window.Twilio) throw new Error('The client library did not load: see the console.');

  const client = new Twilio.Chat.Client(await newToken(), { Twilsock: { uri: socket } });
  keepConnected(client);
  report(client);
  await initialized(client);

  const channel = await demoChannel(client);
  await joined(client, channel);
  await showPeople(channel);
  await showMessages(channel);
  takeInput(channel);
}

function initialized(client) {
  return new Promise((resolve, reject) => {
    client.on('stateChanged', (state) => {
      if (state === 'initialized') resolve();
      else reject(new Error('The client library could not start: see the log of the server.'));
    });
  });
}

// Tokens. An app of yours would ask its own server, which knows who is logged in.

async function newToken() {
  const wanted = { Identity: me };
  if (query.has('ttl')) wanted.Ttl = query.get('ttl');          // /demo?as=alice&ttl=30 shows tokens being renewed
  const answer = await fetch('/demo/token', { method: 'POST', body: new URLSearchParams(wanted) });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.message);
  return said.token;
}

function keepConnected(client) {
  let renewed = Date.now();
  let waiting = false;

  async function renew() {
    if (waiting) return;
    waiting = true;
    await new Promise((done) => setTimeout(done, renewed + LEAST_MS_BETWEEN_TOKENS - Date.now()));
    renewed = Date.now();
    try {
      await client.updateToken(await newToken());
    } catch (error) {
      view.trouble(error);
    } finally {
      waiting = false;
    }
  }

  client.on('tokenAboutToExpire', renew);
  client.on('tokenExpired', renew);
  client.on('connectionStateChanged', (state) => view.connection(state));
  client.on('connectionError', (error) => error.terminal && view.trouble(error));
  view.connection(client.connectionState);
}

// The channel: whoever comes first makes it.

async function demoChannel(client) {
  try {
    return await client.getChannelByUniqueName(CHANNEL);
  } catch {
    try {
      return await client.createChannel({ uniqueName: CHANNEL, friendlyName: 'Demo' });
    } catch {
      return client.getChannelByUniqueName(CHANNEL);            // the other tab was first
    }
  }
}

async function joined(client, channel) {
  if (channel.status === 'joined') return;
  const done = new Promise((resolve) => {
    client.on('channelJoined', ({ sid }) => sid === channel.sid && resolve());
  });
  await channel.join();
  await done;
}

// People: who is a member, who is online, who is typing, and who has read how far.

async function showPeople(channel) {
  const people = new Map();

  async function add(member) {
    const person = { member, user: null, typing: false };
    people.set(member.identity, person);
    show();
    person.user = await member.getUser();
    person.user.on('updated', show);
    show();
  }

  function show() {
    view.people([...people.values()].map(({ member, user, typing }) => ({
      identity: member.identity,
      online: user ? user.online : null,
      typing,
      horizon: member.lastConsumedMessageIndex,
    })));
  }

  function types(member, typing) {
    const person = people.get(member.identity);
    if (person) person.typing = typing;
    show();
  }

  channel.on('memberJoined', (member) => add(member).catch((error) => view.trouble(error)));
  channel.on('memberLeft', (member) => { people.delete(member.identity); show(); });
  channel.on('memberUpdated', show);
  channel.on('typingStarted', (member) => types(member, true));
  channel.on('typingEnded', (member) => types(member, false));
  await Promise.all((await channel.getMembers()).map(add));
}

// Messages: the newest ones, older ones on demand, and what happens from now on.

async function showMessages(channel) {
  channel.on('messageAdded', (message) => view.message(message));
  channel.on('messageUpdated', ({ message }) => view.message(message));
  channel.on('messageRemoved', (message) => view.forget(message.index));

  let page = await channel.getMessages(PAGE);
  view.messages(page.items, page.hasPrevPage);
  view.on('older', async () => {
    page = await page.prevPage();
    view.messages(page.items, page.hasPrevPage);
  });
}

function takeInput(channel) {
  view.on('send', (text) => channel.sendMessage(text));
  view.on('attach', (file) => {
    const form = new FormData();
    form.append('file', file, file.name);
    return channel.sendMessage(form);
  });
  view.on('type', () => channel.typing());
  view.on('edit', (message, text) => message.updateBody(text));
  view.on('delete', (message) => message.remove());
  view.on('read', (index) => channel.advanceLastConsumedMessageIndex(index));
  view.ready();
}

// The list of events that developers can open.

function report(client) {
  const events = {
    connectionStateChanged: (state) => state,
    tokenAboutToExpire: () => '',
    tokenExpired: () => '',
    channelJoined: (channel) => channel.uniqueName,
    channelUpdated: ({ updateReasons }) => updateReasons.join(', '),
    memberJoined: (member) => member.identity,
    memberLeft: (member) => member.identity,
    memberUpdated: ({ member, updateReasons }) => `${member.identity}: ${updateReasons.join(', ')}`,
    messageAdded: (message) => `${message.index} by ${message.author}`,
    messageUpdated: ({ message, updateReasons }) => `${message.index}: ${updateReasons.join(', ')}`,
    messageRemoved: (message) => `${message.index}`,
    typingStarted: (member) => member.identity,
    typingEnded: (member) => member.identity,
    userUpdated: ({ user, updateReasons }) => `${user.identity}: ${updateReasons.join(', ')}`,
  };
  for (const [name, says] of Object.entries(events)) {
    client.on(name, (what) => view.event(name, says(what)));
  }
}
