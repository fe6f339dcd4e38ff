// Users.

import { exactly, has, madeNow, now, pagesAreWhole, refused, same, shown, sids } from './checks.mjs';
import { ACCOUNT_SID } from './library.mjs';
import { ENCODED, PLAIN, inAPath } from './names.mjs';

const ATTRIBUTES = '{"likes": "ü & ☎"}';

export async function lives(on) {
  const users = on.here.users;
  const service = await on.here.fetch();
  const role = await on.here.roles.create(
    { friendlyName: 'staff', type: 'deployment', permission: ['createChannel'] },
  );

  const made = await users.create({ identity: 'alice' });
  madeNow('a new user', 'US', made);
  const url = `${on.url}/Users/${made.sid}`;
  exactly('a new user', made, {
    sid: made.sid,
    accountSid: ACCOUNT_SID,
    serviceSid: on.service,
    identity: 'alice',
    friendlyName: null,
    attributes: '{}',
    roleSid: service.defaultServiceRoleSid,
    isOnline: null,
    isNotifiable: null,
    joinedChannelsCount: 0,
    dateCreated: made.dateCreated,
    dateUpdated: made.dateUpdated,
    url,
    links: { user_channels: `${url}/Channels`, ...on.sinceV2({ user_bindings: `${url}/Bindings` }) },
  });
  same('the user fetched', shown(await users(made.sid).fetch()), shown(made));

  const given = { roleSid: role.sid, attributes: ATTRIBUTES, friendlyName: 'Bob ☎' };
  const header = on.sinceV2({ xTwilioWebhookEnabled: 'true' });
  const bob = await users.create({ identity: 'bob', ...given, ...header });
  has('a user with everything', bob, { identity: 'bob', ...given });
  const changed = await users(made.sid).update({ ...given, ...header });
  has('a changed user', changed, { sid: made.sid, identity: 'alice', dateCreated: made.dateCreated, ...given });
  now('user.dateUpdated', changed.dateUpdated);
  same('the changed user fetched', shown(await changed.fetch()), shown(changed));

  await identitiesAreAddresses(on);

  const there = await users.list();
  await pagesAreWhole('users', users, sids(there), 3);
  const listed = there.find((user) => user.identity === 'bob').attributes;
  same('attributes in a list', listed, on.v2 ? ATTRIBUTES : null);

  await refused('an identity again', users.create({ identity: 'bob' }), 409, 50201);
  await refused('a reserved identity', users.create({ identity: 'system' }), 400, 50203);
  await refused('a user that is not there', users('nobody').fetch(), 404, 20404);
  await refused('text for attributes', users('bob').update({ attributes: 'text' }), 400, 50304);
  same('the answer to a delete', await users(bob.sid).remove(), true);
  await refused('a deleted user', users('bob').fetch(), 404, 20404);
}

async function identitiesAreAddresses(on) {
  const users = on.here.users;
  for (const identity of ENCODED) {
    const made = await users.create({ identity });
    same('an identity', made.identity, identity);
    same(`the user that ${identity} is`, (await users(inAPath(identity)).fetch()).sid, made.sid);
    const changed = await users(inAPath(identity)).update({ friendlyName: identity });
    same(`the friendly name of ${identity}`, changed.friendlyName, identity);
  }
  for (const identity of PLAIN) {
    same(`the user that ${identity} is`, (await users(identity).fetch()).identity, identity);
  }
  for (const identity of ENCODED) {
    same('the answer to a delete', await users(inAPath(identity)).remove(), true);
  }
  for (let n = 0; n < 5; n++) {
    await users.create({ identity: `user ${n}` });
  }
}
