// Channels.

import { exactly, has, madeNow, now, pagesAreWhole, refused, same, shown, sids } from './checks.mjs';
import { ACCOUNT_SID } from './library.mjs';
import { ENCODED, PLAIN, inAPath } from './names.mjs';

export const ATTRIBUTES = '{"topic": "ü & ☎"}';
export const CREATED = new Date('2015-12-16T22:18:37Z');
export const UPDATED = new Date('2015-12-16T22:18:38Z');

export async function lives(on) {
  const channels = on.here.channels;
  const made = await channels.create();
  madeNow('a new channel', 'CH', made);
  const url = `${on.url}/Channels/${made.sid}`;
  exactly('a new channel', made, {
    sid: made.sid,
    accountSid: ACCOUNT_SID,
    serviceSid: on.service,
    friendlyName: null,
    uniqueName: null,
    attributes: '{}',
    type: 'public',
    createdBy: 'system',
    membersCount: 0,
    messagesCount: 0,
    dateCreated: made.dateCreated,
    dateUpdated: made.dateUpdated,
    url,
    links: {
      members: `${url}/Members`,
      messages: `${url}/Messages`,
      invites: `${url}/Invites`,
      last_message: null,
      ...on.sinceV2({ webhooks: `${url}/Webhooks` }),
    },
  });
  same('the channel fetched', shown(await channels(made.sid).fetch()), shown(made));

  const header = on.sinceV2({ xTwilioWebhookEnabled: 'true' });
  const imported = on.sinceV2({ dateCreated: CREATED, dateUpdated: UPDATED, createdBy: 'alice' });
  const given = { friendlyName: 'Lobby ☎', uniqueName: 'lobby', attributes: ATTRIBUTES, ...imported };
  const hidden = await channels.create({ type: 'private', ...given, ...header });
  has('a channel with everything', hidden, { type: 'private', ...given });
  const changed = await channels(made.sid).update({ ...given, uniqueName: 'hall', ...header });
  has('a changed channel', changed, { sid: made.sid, type: 'public', ...given, uniqueName: 'hall' });
  if (!on.v2) {
    now('channel.dateUpdated', changed.dateUpdated);
  }
  same('the changed channel fetched', shown(await changed.fetch()), shown(changed));
  same('a channel by its name', (await channels('hall').fetch()).sid, made.sid);

  await namesAreAddresses(on);

  const there = sids(await channels.list());
  await pagesAreWhole('channels', channels, there, 2);
  same('private channels', sids(await channels.list({ type: ['private'] })), [hidden.sid]);
  const open = there.filter((sid) => sid !== hidden.sid);
  await pagesAreWhole('public channels', channels, open, 2, { type: ['public'] });
  same('all channels', sids(await channels.list({ type: ['public', 'private'] })), there);
  const listed = (await channels.list()).find((channel) => channel.sid === hidden.sid).attributes;
  same('attributes in a list', listed, on.v2 ? ATTRIBUTES : null);

  await refused(
    'a name again', channels.create({ uniqueName: 'hall' }), 409, 50307,
    'Channel with provided unique name already exists',
  );
  await refused('a name again', channels('lobby').update({ uniqueName: 'hall' }), 409, 50307);
  await refused('a channel that is not there', channels('nowhere').fetch(), 404, 20404);
  same('the answer to a delete', await channels('lobby').remove(header), true);
  same('the answer to a delete', await changed.remove(), true);
  await refused('a deleted channel', channels('lobby').fetch(), 404, 20404);
}

async function namesAreAddresses(on) {
  const channels = on.here.channels;
  for (const uniqueName of ENCODED) {
    const made = await channels.create({ uniqueName });
    const found = await channels(inAPath(uniqueName)).fetch();
    has(`the channel that is named ${uniqueName}`, found, { sid: made.sid, uniqueName });
  }
  for (const uniqueName of PLAIN) {
    has(`the channel that is named ${uniqueName}`, await channels(uniqueName).fetch(), { uniqueName });
  }
  for (const uniqueName of ENCODED.slice(0, -5)) {
    same('the answer to a delete', await channels(inAPath(uniqueName)).remove(), true);
  }
}
