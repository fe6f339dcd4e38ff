// Files: sent as messages, and read through addresses that need no token.

import { readFile } from 'node:fs/promises';

import { comesToBe, has, inTime, same, sidOf, yes } from '../checks.mjs';
import { scenario } from '../scenario.mjs';
import { is } from '../world.mjs';

const ITS_OWN_HOST = 'this generation asks a host for files that is written into it';

const CANNOT = { unless: { 3: ITS_OWN_HOST, 4: ITS_OWN_HOST } };

scenario('a file is sent, told of and read', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general] = await world.channelOf(alice, bob);
  const content = Buffer.from('a file \u00e9');

  const file = { contentType: 'text/plain', media: content };
  const index = await inTime('sending', general.sendMessage(file, { has: 'media' }));

  const message = await bob.hears('messageAdded', is(general.sid, index));
  has('message', message, { type: 'media', body: null, attributes: { has: 'media' } });
  sidOf('ME', 'the file', message.media.sid);
  same('its size', message.media.size, content.length);
  same('its type', message.media.contentType.split(';')[0], 'text/plain');
  const url = await inTime('its address', message.media.getContentTemporaryUrl());
  const answer = await inTime('the file', fetch(url));
  same('the status', answer.status, 200);
  same('the content', Buffer.from(await answer.arrayBuffer()), content);
  const stored = await world.rest.get(`Channels/${general.sid}/Messages/${message.sid}`);
  has('REST', stored, { type: 'media' });
  has('its media', stored.media, { sid: message.media.sid, size: content.length });
}, CANNOT);

scenario('a large file comes back byte for byte', async (world) => {
  const alice = await world.person('alice');
  const [general] = await world.channelOf(alice);
  const content = Buffer.concat(Array.from({ length: 40 }, () => Buffer.from(Uint8Array.from({ length: 65_536 }, (_, n) => n * 31))));

  const index = await inTime('sending', general.sendMessage({ contentType: 'image/png', media: content }));

  const { media } = await alice.hears('messageAdded', is(general.sid, index));
  const answer = await inTime('the file', fetch(await media.getContentTemporaryUrl()));
  yes('the content', Buffer.from(await answer.arrayBuffer()).equals(content));
}, CANNOT);

scenario('an address of a file that is not signed opens nothing', async (world) => {
  const alice = await world.person('alice');
  const [general] = await world.channelOf(alice);
  const index = await general.sendMessage({ contentType: 'text/plain', media: Buffer.from('secret') });
  const { media } = await alice.hears('messageAdded', is(general.sid, index));
  const url = new URL(await inTime('its address', media.getContentTemporaryUrl()));

  url.search = '';
  const answer = await inTime('an answer', fetch(url));

  yes(`it is refused, not ${answer.status}`, [401, 403, 404].includes(answer.status));
}, CANNOT);

scenario('a file that was uploaded with a token and posted over REST is told of', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general] = await world.channelOf(alice, bob);
  const content = await readFile(new URL(import.meta.url));
  const upload = await inTime('uploading', fetch(
    `${world.base}/media/v1/Services/${world.service}/Media?Category=media&Filename=media.mjs`,
    {
      method: 'POST',
      headers: { 'X-Twilio-Token': world.token('alice'), 'Content-Type': 'text/javascript' },
      body: content,
    },
  ));
  same('the status', upload.status, 201);
  const { sid } = await upload.json();

  await world.rest.post(`Channels/${general.sid}/Messages`, { MediaSid: sid, From: 'alice' });

  const message = await bob.hears('messageAdded', ({ type }) => type === 'media');
  has('message', message, { author: 'alice', body: null });
  has('media', message.media, { sid, filename: 'media.mjs', size: content.length });
});

scenario('a media message counts as a message', async (world) => {
  const alice = await world.person('alice');
  const [general] = await world.channelOf(alice);
  await general.sendMessage({ contentType: 'text/plain', media: Buffer.from('one') });
  await general.sendMessage('two');

  await comesToBe('messages', () => general.getMessagesCount(), 2);
  same('their types', (await alice.reads(general)).map(({ type }) => type), ['media', 'text']);
}, CANNOT);
