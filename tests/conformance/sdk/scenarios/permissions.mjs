// Permissions: what a role allows, and that it counts from the moment it is changed.

import { inTime, refused, same } from '../checks.mjs';
import { scenario } from '../scenario.mjs';
import { is } from '../world.mjs';

const DEPLOYMENT = [
  'createChannel', 'joinChannel', 'destroyChannel', 'inviteMember', 'addMember', 'removeMember', 'editChannelName',
  'editChannelAttributes', 'editAnyMessage', 'editAnyMessageAttributes', 'deleteAnyMessage', 'editOwnMessage',
  'editOwnMessageAttributes', 'deleteOwnMessage', 'editOwnUserInfo', 'editAnyUserInfo', 'editAnyMemberAttributes',
];

const CHANNEL = [
  ...DEPLOYMENT.slice(2),
  'sendMessage', 'sendMediaMessage', 'leaveChannel', 'editOwnMemberAttributes', 'editNotificationLevel',
];

/** The status and the code of what a role does not allow. */
const NOT_ALLOWED = [403, 50107];

/** Eve, who may do what her two roles say, in a channel with bob; and how her roles are changed. */
async function roles(world) {
  const { rest } = world;
  const role = (Type, Permission) => rest.post('Roles', { FriendlyName: Type, Type, Permission });
  const held = { deployment: await role('deployment', DEPLOYMENT), channel: await role('channel', CHANNEL) };
  await rest.post('Users', { Identity: 'eve', RoleSid: held.deployment.sid });
  const [eve, bob] = await world.people('eve', 'bob');
  const [channel] = await world.channelOf(eve, bob);
  await rest.post(`Channels/${channel.sid}/Members/eve`, { RoleSid: held.channel.sid });

  const allow = async (isAllowed) => {
    await rest.post(`Roles/${held.deployment.sid}`, { Permission: DEPLOYMENT.filter(isAllowed) });
    await rest.post(`Roles/${held.channel.sid}`, { Permission: CHANNEL.filter(isAllowed) });
  };

  /** An action is refused while its permission, and what is as good, is missing; and allowed with it alone. */
  const needs = async (permission, action, { asGood } = {}) => {
    await allow((name) => name !== permission && name !== asGood);
    await refused(`what needs ${permission}`, action(), ...NOT_ALLOWED);
    await allow((name) => name !== asGood);
    await inTime(`what ${permission} allows`, action());
  };

  const message = async (author) => {
    const { index } = await rest.post(`Channels/${channel.sid}/Messages`, { Body: 'text', From: author });
    return eve.hears('messageAdded', is(channel.sid, index));
  };

  return { eve, bob, channel, needs, message };
}

scenario('making and joining channels needs a permission', async (world) => {
  const { eve, needs } = await roles(world);
  const { sid } = await world.rest.post('Channels');
  const open = await eve.finds(sid);

  await needs('createChannel', () => eve.client.createChannel());
  await needs('joinChannel', () => open.join());
});

scenario('sending needs a permission', async (world) => {
  const { channel, needs } = await roles(world);

  await needs('sendMessage', () => channel.sendMessage('text'));
});

scenario('touching an own message needs a permission', async (world) => {
  const { needs, message } = await roles(world);
  const mine = await message('eve');

  await needs('editOwnMessage', () => mine.updateBody('edited'), { asGood: 'editAnyMessage' });
  await needs('editOwnMessageAttributes', () => mine.updateAttributes({ v: 1 }), {
    asGood: 'editAnyMessageAttributes',
  });
  await needs('deleteOwnMessage', () => mine.remove(), { asGood: 'deleteAnyMessage' });
});

scenario('touching a message of somebody else needs a permission', async (world) => {
  const { needs, message } = await roles(world);
  const other = await message('bob');

  await needs('editAnyMessage', () => other.updateBody('edited'));
  await needs('editAnyMessageAttributes', () => other.updateAttributes({ v: 1 }));
  await needs('deleteAnyMessage', () => other.remove());
});

scenario('moving people needs a permission', async (world) => {
  const { channel, needs } = await roles(world);
  await world.rest.post('Users', { Identity: 'carol' });

  await needs('inviteMember', () => channel.invite('carol'));
  await needs('addMember', () => channel.add('dave'));
  await needs('removeMember', () => channel.removeMember('dave'));
  await needs('leaveChannel', () => channel.leave());
});

scenario('changing a channel needs a permission', async (world) => {
  const { channel, needs } = await roles(world);

  await needs('editChannelName', () => channel.updateFriendlyName('Renamed'));
  await needs('editChannelName', () => channel.updateUniqueName('renamed'));
  await needs('editChannelAttributes', () => channel.updateAttributes({ v: 1 }));
  await needs('destroyChannel', () => channel.delete());
});

scenario('changing people needs a permission', async (world) => {
  const { eve, channel, needs } = await roles(world);
  const bob = await inTime('the member', channel.getMemberByIdentity('bob'));

  await needs('editOwnUserInfo', () => eve.client.user.updateFriendlyName('Eve'), { asGood: 'editAnyUserInfo' });
  await needs('editAnyMemberAttributes', () => bob.updateAttributes({ v: 1 }));
  await needs('editNotificationLevel', () => channel.setUserNotificationLevel('muted'));
});

scenario('another role of a member counts at once', async (world) => {
  const [alice] = await world.people('alice');
  const [general] = await world.channelOf(alice);
  const listener = await world.rest.post('Roles', {
    FriendlyName: 'listener', Type: 'channel', Permission: 'leaveChannel',
  });
  await inTime('a message', general.sendMessage('before'));

  await world.rest.post(`Channels/${general.sid}/Members/alice`, { RoleSid: listener.sid });

  await refused('a message', general.sendMessage('after'), ...NOT_ALLOWED);
  same('messages', (await world.rest.list(`Channels/${general.sid}/Messages`)).length, 1);
});

scenario('another role of a user counts at once', async (world) => {
  const alice = await world.person('alice');
  const guest = await world.rest.post('Roles', {
    FriendlyName: 'guest', Type: 'deployment', Permission: 'joinChannel',
  });
  await inTime('a channel', alice.client.createChannel());

  await world.rest.post('Users/alice', { RoleSid: guest.sid });

  await refused('a channel', alice.client.createChannel(), ...NOT_ALLOWED);
});

scenario('who makes a channel is its admin, and who joins it is not', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const general = await alice.makes({ friendlyName: 'General' });
  const seen = await bob.joins(general);

  await refused('renaming by a member', seen.updateFriendlyName('of Bob'), ...NOT_ALLOWED);
  await refused('deleting by a member', seen.delete(), ...NOT_ALLOWED);
  await inTime('renaming by its maker', general.updateFriendlyName('of Alice'));

  const { default_channel_creator_role_sid: admin, default_channel_role_sid: user } = await world.rest.get();
  same('the role of its maker', (await world.rest.get(`Channels/${general.sid}/Members/alice`)).role_sid, admin);
  same('the role of a member', (await world.rest.get(`Channels/${general.sid}/Members/bob`)).role_sid, user);
});
