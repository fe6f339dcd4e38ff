// User channels: in v1 a list, in v2 all but creation.

import { exactly, has, pagesAreWhole, refused, same, shown, sids } from './checks.mjs';
import { UPDATED } from './channel.mjs';
import { ACCOUNT_SID } from './library.mjs';
import { inAPath } from './names.mjs';

export async function lives(on) {
  const user = await on.here.users.create({ identity: 'zoë / user channels' });
  const channels = [];
  for (let n = 0; n < 5; n++) {
    channels.push(await on.here.channels.create({ uniqueName: `user/channel ${n}` }));
  }
  const [first] = channels;
  for (let n = 0; n < 3; n++) {
    await on.here.channels(first.sid).messages.create({ body: `${n}` });
  }
  const members = [];
  for (const channel of channels.slice(0, 4)) {
    members.push(await on.here.channels(channel.sid).members.create({ identity: user.identity }));
  }
  await on.here.channels(channels[4].sid).invites.create({ identity: user.identity });

  const there = await on.here.users(user.sid).userChannels.list();
  const url = `${on.url}/Channels/${first.sid}`;
  exactly('a user channel', there[0], {
    accountSid: ACCOUNT_SID,
    serviceSid: on.service,
    channelSid: first.sid,
    memberSid: members[0].sid,
    status: 'joined',
    lastConsumedMessageIndex: null,
    unreadMessagesCount: null,
    links: { channel: url, member: `${url}/Members/${members[0].sid}` },
    ...on.sinceV2({
      userSid: user.sid,
      notificationLevel: 'default',
      url: `${on.url}/Users/${user.sid}/Channels/${first.sid}`,
    }),
  });
  has('an invitation', there[4], { status: 'invited', memberSid: null });
  same('links of an invitation', there[4].links.member, null);
  const byIdentity = on.here.users(inAPath(user.identity)).userChannels;
  await pagesAreWhole('user channels', byIdentity, sids(channels), 2, { by: 'channelSid' });
  if (on.v2) {
    await oneIsFetchedChangedAndLeft(on, user, first, there[0]);
  }
}

async function oneIsFetchedChangedAndLeft(on, user, channel, listed) {
  const one = on.here.users(user.sid).userChannels(channel.sid);
  same('the user channel fetched', shown(await one.fetch()), shown(listed));

  const changed = await one.update({
    notificationLevel: 'muted',
    lastConsumedMessageIndex: 1,
    lastConsumptionTimestamp: UPDATED,
  });

  const now = { notificationLevel: 'muted', lastConsumedMessageIndex: 1, unreadMessagesCount: 1 };
  has('a changed user channel', changed, now);
  const member = on.here.channels(channel.sid).members(listed.memberSid);
  same('lastConsumptionTimestamp', (await member.fetch()).lastConsumptionTimestamp, UPDATED);

  const byNames = on.here.users(inAPath(user.identity)).userChannels(inAPath(channel.uniqueName));
  same('the same by names', (await byNames.fetch()).channelSid, channel.sid);
  same('the answer to a delete', await byNames.remove({ xTwilioWebhookEnabled: 'true' }), true);
  await refused('a deleted member', member.fetch(), 404, 20404);
}
