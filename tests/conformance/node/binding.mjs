// Bindings of a service and of a user, v2 only.
//
// They were made for us: two of alice, three of zoë, and 55 of others, of which a page holds 50 at most.

import { exactly, pagesAreWhole, refused, same, say, shown, sids } from './checks.mjs';
import { ACCOUNT_SID, CHAT_URL, PREPARED_SERVICE_SID } from './library.mjs';
import { inAPath } from './names.mjs';

const ZOE = 'zoë@example.com';
const MESSAGE_TYPES = ['new_message', 'added_to_channel', 'removed_from_channel', 'invited_to_channel'];

export async function lives(on) {
  say('binding, v2');
  const here = on.chat.services(PREPARED_SERVICE_SID);
  const url = `${CHAT_URL}/v2/Services/${PREPARED_SERVICE_SID}`;
  const identity = ['alice', ZOE];
  const there = await here.bindings.list({ identity });
  const one = there.at(-1);
  const fields = {
    sid: one.sid,
    accountSid: ACCOUNT_SID,
    serviceSid: PREPARED_SERVICE_SID,
    dateCreated: one.dateCreated,
    dateUpdated: one.dateCreated,
    endpoint: one.endpoint,
    identity: ZOE,
    credentialSid: one.credentialSid,
    bindingType: 'fcm',
    messageTypes: MESSAGE_TYPES,
  };
  exactly('a binding', one, {
    ...fields,
    url: `${url}/Bindings/${one.sid}`,
    links: { user: `${url}/Users/${inAPath(ZOE)}` },
  });
  same('the binding fetched', shown(await here.bindings(one.sid).fetch()), shown(one));

  const five = sids(there);
  const apn = there.filter((binding) => binding.bindingType === 'apn');
  const ofApn = await here.bindings.list({ bindingType: ['apn'], identity });
  same('bindings of apn', sids(ofApn), sids(apn));
  await pagesAreWhole('bindings of both', here.bindings, five, 2, { bindingType: ['apn', 'fcm'], identity });
  same('bindings of alice', sids(await here.bindings.list({ identity: ['alice'] })), five.slice(0, 2));
  same('bindings of nobody', await here.bindings.list({ identity: ['nobody'] }), []);
  const every = sids(await here.bindings.list());
  same('how many bindings there are', [every.length, every.slice(0, 5)], [60, five]);
  await pagesAreWhole('bindings', here.bindings, every, 25);
  // The library asks for a page of 57.
  same('bindings, at most 57', sids(await here.bindings.list({ limit: 57 })), every.slice(0, 57));

  const user = await here.users(inAPath(ZOE)).fetch();
  const ofUser = here.users(inAPath(ZOE)).userBindings;
  exactly('a user binding', await ofUser(one.sid).fetch(), {
    ...fields,
    userSid: user.sid,
    url: `${url}/Users/${user.sid}/Bindings/${one.sid}`,
  });
  await pagesAreWhole('bindings of zoë', ofUser, five.slice(2), 1);
  const found = await ofUser.list({ bindingType: ['fcm'] });
  same('bindings of zoë and fcm', found.map((binding) => binding.bindingType), ['fcm', 'fcm']);

  same('the answer to a delete', await ofUser(one.sid).remove(), true);
  await refused('a deleted binding', here.bindings(one.sid).fetch(), 404, 20404);
  same('the answer to a delete', await here.bindings(five[0]).remove(), true);
  same('bindings left', sids(await here.bindings.list({ identity })), five.slice(1, -1));
}
