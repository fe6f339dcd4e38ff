// Invites.

import { exactly, has, madeNow, pagesAreWhole, refused, same, shown, sids } from './checks.mjs';
import { ACCOUNT_SID } from './library.mjs';

export async function lives(on) {
  const service = await on.here.fetch();
  const channel = await on.here.channels.create({ uniqueName: 'in/vites', type: 'private' });
  const role = await on.here.roles.create(
    { friendlyName: 'listener', type: 'channel', permission: ['leaveChannel'] },
  );
  const invites = on.here.channels(channel.sid).invites;

  const made = await invites.create({ identity: 'alice' });
  madeNow('a new invite', 'IN', made);
  exactly('a new invite', made, {
    sid: made.sid,
    accountSid: ACCOUNT_SID,
    serviceSid: on.service,
    channelSid: channel.sid,
    identity: 'alice',
    roleSid: service.defaultChannelRoleSid,
    createdBy: 'system',
    dateCreated: made.dateCreated,
    dateUpdated: made.dateUpdated,
    url: `${on.url}/Channels/${channel.sid}/Invites/${made.sid}`,
  });
  same('the invite fetched', shown(await invites(made.sid).fetch()), shown(made));

  const guests = [0, 1, 2, 3].map((n) => `user ${n}`);
  for (const identity of guests) {
    const given = { identity, roleSid: role.sid };
    has('an invite with everything', await invites.create(given), given);
  }
  const there = sids(await invites.list());
  await pagesAreWhole('invites', on.here.channels('in%2Fvites').invites, there, 2);
  await pagesAreWhole('some invites', invites, there.slice(1), 1, { identity: guests });

  await refused('an invite of nobody', invites.create({ identity: 'nobody' }), 404, 20404);
  await refused('an invite again', invites.create({ identity: 'alice' }), 409, 50212);
  same('the answer to a delete', await invites(there[0]).remove(), true);
  await refused('a deleted invite', invites(there[0]).fetch(), 404, 20404);
}
