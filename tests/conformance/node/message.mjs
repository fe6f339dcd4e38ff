// Messages.

import { exactly, has, madeNow, now, pagesAreWhole, refused, same, shown, sids } from './checks.mjs';
import { ATTRIBUTES, CREATED, UPDATED } from './channel.mjs';
import { ACCOUNT_SID, MEDIA_SID, PREPARED_SERVICE_SID } from './library.mjs';

export async function lives(on) {
  const channel = await on.here.channels.create({ uniqueName: 'messages' });
  const messages = on.here.channels(channel.sid).messages;

  const made = await messages.create({ body: 'Hello ☎ & bye' });
  madeNow('a new message', 'IM', made);
  const url = `${on.url}/Channels/${channel.sid}/Messages/${made.sid}`;
  exactly('a new message', made, {
    sid: made.sid,
    accountSid: ACCOUNT_SID,
    serviceSid: on.service,
    channelSid: channel.sid,
    to: channel.sid,
    from: 'system',
    body: 'Hello ☎ & bye',
    attributes: '{}',
    index: 0,
    wasEdited: false,
    dateCreated: made.dateCreated,
    dateUpdated: made.dateUpdated,
    url,
    ...on.sinceV2({ lastUpdatedBy: null, type: 'text', media: null }),
  });
  same('the message fetched', shown(await messages(made.sid).fetch()), shown(made));
  const after = await on.here.channels('messages').fetch();
  same('the last message', [after.messagesCount, after.links.last_message], [1, url]);

  const header = on.sinceV2({ xTwilioWebhookEnabled: 'true' });
  const imported = on.sinceV2({ dateCreated: CREATED, dateUpdated: UPDATED, lastUpdatedBy: 'carol' });
  const again = { body: 'Again', from: 'zoë@example.com', attributes: ATTRIBUTES, ...imported };
  const second = await messages.create({ ...again, ...header });
  has('a message with everything', second, { index: 1, wasEdited: on.v2, ...again });
  const given = { body: 'Changed', attributes: ATTRIBUTES, ...imported, ...on.sinceV2({ from: 'bob' }) };
  const changed = await messages(made.sid).update({ ...given, ...header });
  has('a changed message', changed, { sid: made.sid, index: 0, wasEdited: true, ...given });
  if (!on.v2) {
    now('message.dateUpdated', changed.dateUpdated);
  }
  same('the changed message fetched', shown(await changed.fetch()), shown(changed));

  for (let n = 0; n < 5; n++) {
    await messages.create({ body: `${n}` });
  }
  const there = await messages.list();
  same('indices', there.map((message) => message.index), [0, 1, 2, 3, 4, 5, 6]);
  same('attributes in a list', there[1].attributes, on.v2 ? ATTRIBUTES : null);
  await pagesAreWhole('messages', messages, sids(there), 3);
  await pagesAreWhole('messages up', messages, sids(there), 3, { order: 'asc' });
  await pagesAreWhole('messages down', messages, sids(there).reverse(), 3, { order: 'desc' });

  if (on.v2) {
    await carriesAFile(on);
    await refused('a message of nothing', messages.create({ from: 'bob' }), 400, 50503);
  }
  same('the answer to a delete', await messages(second.sid).remove(header), true);
  await refused('a deleted message', messages(second.sid).fetch(), 404, 20404);
  has('the channel', await on.here.channels('messages').fetch(), { messagesCount: 6 });
}

async function carriesAFile(on) {
  const there = on.chat.services(PREPARED_SERVICE_SID);
  const channel = await there.channels.create();
  const messages = there.channels(channel.sid).messages;

  const made = await messages.create({ mediaSid: MEDIA_SID });

  const media = { sid: MEDIA_SID, size: 2048, content_type: 'application/pdf', filename: 'hello.pdf' };
  has('a message with a file', made, { type: 'media', body: null, media });
  same('the message fetched', shown(await messages(made.sid).fetch()), shown(made));
  await refused('a file again', messages.create({ mediaSid: MEDIA_SID }), 409, 50508);
}
