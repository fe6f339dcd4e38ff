// Roles.

import { exactly, has, madeNow, now, pagesAreWhole, refused, same, shown, sids } from './checks.mjs';
import { ACCOUNT_SID } from './library.mjs';

const DEFAULT_ROLES = ['service admin', 'service user', 'channel admin', 'channel user'];

export async function lives(on) {
  const roles = on.here.roles;
  const permissions = ['sendMessage', 'leaveChannel', 'editOwnMessage'];
  const made = await roles.create({ friendlyName: 'guest', type: 'channel', permission: permissions });
  madeNow('a new role', 'RL', made);
  exactly('a new role', made, {
    sid: made.sid,
    accountSid: ACCOUNT_SID,
    serviceSid: on.service,
    friendlyName: 'guest',
    type: 'channel',
    permissions,
    dateCreated: made.dateCreated,
    dateUpdated: made.dateUpdated,
    url: `${on.url}/Roles/${made.sid}`,
  });
  same('the role fetched', shown(await roles(made.sid).fetch()), shown(made));
  const there = await roles.list();
  same('names of roles', there.map((role) => role.friendlyName), [...DEFAULT_ROLES, 'guest']);

  const changed = await roles(made.sid).update({ permission: ['leaveChannel'] });
  has('a changed role', changed, { sid: made.sid, friendlyName: 'guest', permissions: ['leaveChannel'] });
  now('role.dateUpdated', changed.dateUpdated);

  await pagesAreWhole('roles', roles, sids(there), 2);

  same('the answer to a delete', await changed.remove(), true);
  const gone = `The requested resource /Services/${on.service}/Roles/${made.sid} was not found`;
  await refused('a deleted role', roles(made.sid).fetch(), 404, 20404, gone);
  for (const [what, wrong, code, message] of [
    ['a role of no type', { type: 'banana' }, 50105, 'Invalid role type'],
    ['a permission that there is not', { permission: ['fly'] }, 50104, 'Permission not found'],
    [
      'a role without permissions', { permission: [] }, 20001,
      'Missing required parameter Permission in the post body',
    ],
  ]) {
    const given = { friendlyName: 'guest', type: 'channel', permission: ['sendMessage'], ...wrong };
    await refused(what, roles.create(given), 400, code, message);
  }
}
