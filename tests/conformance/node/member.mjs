// Members.

import { exactly, has, madeNow, now, pagesAreWhole, refused, same, shown, sids } from './checks.mjs';
import { ATTRIBUTES, CREATED, UPDATED } from './channel.mjs';
import { ACCOUNT_SID } from './library.mjs';
import { ENCODED, PLAIN, inAPath } from './names.mjs';

export async function lives(on) {
  const service = await on.here.fetch();
  const channel = await on.here.channels.create({ uniqueName: 'members' });
  const role = await on.here.roles.create(
    { friendlyName: 'listener', type: 'channel', permission: ['leaveChannel'] },
  );
  const members = on.here.channels(channel.sid).members;
  for (let n = 0; n < 3; n++) {
    await on.here.channels(channel.sid).messages.create({ body: `${n}` });
  }

  const made = await members.create({ identity: 'alice' });
  madeNow('a new member', 'MB', made);
  exactly('a new member', made, {
    sid: made.sid,
    accountSid: ACCOUNT_SID,
    serviceSid: on.service,
    channelSid: channel.sid,
    identity: 'alice',
    roleSid: service.defaultChannelRoleSid,
    lastConsumedMessageIndex: null,
    lastConsumptionTimestamp: null,
    dateCreated: made.dateCreated,
    dateUpdated: made.dateUpdated,
    url: `${on.url}/Channels/${channel.sid}/Members/${made.sid}`,
    ...on.sinceV2({ attributes: '{}' }),
  });
  same('the member fetched', shown(await members(made.sid).fetch()), shown(made));
  same('a member by identity', (await members('alice').fetch()).sid, made.sid);

  const header = on.sinceV2({ xTwilioWebhookEnabled: 'true' });
  const read = { lastConsumedMessageIndex: 1 };
  const imported = on.sinceV2({
    ...read,
    lastConsumptionTimestamp: UPDATED,
    dateCreated: CREATED,
    dateUpdated: UPDATED,
    attributes: ATTRIBUTES,
  });
  const given = { roleSid: role.sid, ...imported };
  const bob = await members.create({ identity: 'bob', ...given, ...header });
  has('a member with everything', bob, { identity: 'bob', ...given });
  const changed = await members(made.sid).update({ ...given, ...read, ...header });
  has('a changed member', changed, { sid: made.sid, identity: 'alice', ...given, ...read });
  if (!on.v2) {
    now('member.lastConsumptionTimestamp', changed.lastConsumptionTimestamp);
  }
  same('the changed member fetched', shown(await changed.fetch()), shown(changed));

  for (const identity of ENCODED) {
    const { sid } = await members.create({ identity });
    has(`the member that ${identity} is`, await members(inAPath(identity)).fetch(), { sid, identity });
  }
  for (const identity of PLAIN) {
    const found = await on.here.channels('members').members(identity).fetch();
    same(`the member that ${identity} is`, found.identity, identity);
  }

  const there = await members.list();
  await pagesAreWhole('members', members, sids(there), 5);
  const found = there.filter((member) => ENCODED.includes(member.identity));
  await pagesAreWhole('some members', members, sids(found), 4, { identity: ENCODED });
  same('nobody', await members.list({ identity: ['nobody'] }), []);

  await refused('a member again', members.create({ identity: 'bob' }), 409, 50404);
  await refused('a member that is not there', members('nobody').fetch(), 404, 20404);
  await on.here.update({ 'limits.channelMembers': there.length });
  await refused('one member too many', members.create({ identity: 'carol' }), 403, 50403);
  await on.here.update({ 'limits.channelMembers': 250 });

  same('the answer to a delete', await members('bob').remove(header), true);
  same('the answer to a delete', await changed.remove(), true);
  await refused('a deleted member', members('bob').fetch(), 404, 20404);
  has('the channel', await on.here.channels('members').fetch(), { membersCount: there.length - 2 });
}
