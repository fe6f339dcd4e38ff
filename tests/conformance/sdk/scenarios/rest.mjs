// What the back end does over REST is told to those who are connected; and what they do, REST has at once.

import { comesToBe, has, inTime, same } from '../checks.mjs';
import { scenario } from '../scenario.mjs';
import { is } from '../world.mjs';

const updated = (reason, sid) => ({ channel, updateReasons }) =>
  channel.sid === sid && updateReasons.includes(reason);

scenario('a channel that is made, changed and deleted', async (world) => {
  const [alice] = await world.people('alice');
  const { sid } = await world.rest.post('Channels', { UniqueName: 'general', FriendlyName: 'General' });
  const found = await inTime('the channel', alice.client.getChannelByUniqueName('general'));
  same('its SID', found.sid, sid);
  const general = await alice.joins({ sid });

  await world.rest.post(`Channels/${sid}`, {
    FriendlyName: 'Renamed', UniqueName: 'renamed', Attributes: '{"topic":"x"}',
  });
  for (const reason of ['friendlyName', 'uniqueName', 'attributes']) {
    await alice.hears('channelUpdated', updated(reason, sid));
  }
  has('channel', general, { friendlyName: 'Renamed', uniqueName: 'renamed', attributes: { topic: 'x' } });

  await world.rest.delete(`Channels/${sid}`);
  await alice.hears('channelLeft', (channel) => channel.sid === sid);
  await alice.hears('channelRemoved', (channel) => channel.sid === sid);
});

scenario('a member who is added, changed and removed', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general] = await world.channelOf(alice);
  const members = `Channels/${general.sid}/Members`;
  const isBob = ({ identity }) => identity === 'bob';

  const member = await world.rest.post(members, { Identity: 'bob' });
  await bob.hears('channelAdded', ({ sid }) => sid === general.sid);
  await bob.hears('channelJoined', ({ sid }) => sid === general.sid);
  same('who joined', (await alice.hears('memberJoined', isBob)).sid, member.sid);

  await world.rest.post(`${members}/bob`, { Attributes: '{"seat":4}' });
  const told = await alice.hears('memberUpdated', ({ updateReasons }) => updateReasons.includes('attributes'));
  same('the attributes', told.member.attributes, { seat: 4 });

  await world.rest.delete(`${members}/bob`);
  await bob.hears('channelLeft', ({ sid }) => sid === general.sid);
  same('who left', (await alice.hears('memberLeft', isBob)).sid, member.sid);
});

scenario('a message that is posted, edited and deleted', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general] = await world.channelOf(alice, bob);
  const messages = `Channels/${general.sid}/Messages`;

  const { sid, index } = await world.rest.post(messages, { Body: 'posted', From: 'system', Attributes: '{"k":1}' });
  for (const person of [alice, bob]) {
    const message = await person.hears('messageAdded', is(general.sid, index));
    has('message', message, { sid, index, body: 'posted', author: 'system', attributes: { k: 1 } });
  }

  await world.rest.post(`${messages}/${sid}`, { Body: 'edited' });
  const edited = ({ message, updateReasons }) => message.sid === sid && updateReasons.includes('body');
  same('the body', (await bob.hears('messageUpdated', edited)).message.body, 'edited');

  await world.rest.delete(`${messages}/${sid}`);
  await bob.hears('messageRemoved', is(general.sid, index));
});

scenario('an invite that is made and taken back', async (world) => {
  const bob = await world.person('bob');
  const { sid } = await world.rest.post('Channels', { Type: 'private', FriendlyName: 'Secret' });

  const invite = await world.rest.post(`Channels/${sid}/Invites`, { Identity: 'bob' });
  const invited = await bob.hears('channelInvited', (channel) => channel.sid === sid);
  has('channel', invited, { status: 'invited', friendlyName: 'Secret' });

  await world.rest.delete(`Channels/${sid}/Invites/${invite.sid}`);
  await bob.hears('channelLeft', (channel) => channel.sid === sid);
  await bob.hears('channelRemoved', (channel) => channel.sid === sid);
});

scenario('a user who is changed', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  await inTime('the user', bob.client.getUser('alice'));

  await world.rest.post('Users/alice', { FriendlyName: 'Alice A.', Attributes: '{"avatar":"a.png"}' });

  for (const person of [alice, bob]) {
    const told = (reason) => person.hears(
      'userUpdated', ({ user, updateReasons }) => user.identity === 'alice' && updateReasons.includes(reason),
    );
    same('the name', (await told('friendlyName')).user.friendlyName, 'Alice A.');
    same('the attributes', (await told('attributes')).user.attributes, { avatar: 'a.png' });
  }
});

scenario('a user who is deleted leaves every channel', async (world) => {
  const alice = await world.person('alice');
  const [general] = await world.channelOf(alice);
  await world.rest.post(`Channels/${general.sid}/Members`, { Identity: 'bob' });
  await alice.hears('memberJoined', ({ identity }) => identity === 'bob');

  await world.rest.delete('Users/bob');

  await alice.hears('memberLeft', ({ identity }) => identity === 'bob');
});

scenario('a read horizon', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general, seen] = await world.channelOf(alice, bob);
  await world.everythingIsTold(general, alice, bob);

  await world.rest.post(`Channels/${general.sid}/Members/bob`, { LastConsumedMessageIndex: 0 });

  await bob.hears('channelUpdated', updated('lastConsumedMessageIndex', general.sid));
  same('the own horizon', seen.lastConsumedMessageIndex, 0);
  const ofBob = ({ member, updateReasons }) =>
    member.identity === 'bob' && updateReasons.includes('lastConsumedMessageIndex');
  same('at the others', (await alice.hears('memberUpdated', ofBob)).member.lastConsumedMessageIndex, 0);
});

scenario('a notification level', async (world) => {
  const alice = await world.person('alice');
  const [general] = await world.channelOf(alice);
  const level = `Users/alice/Channels/${general.sid}`;

  await world.rest.post(level, { NotificationLevel: 'muted' });
  await alice.hears('channelUpdated', updated('notificationLevel', general.sid));
  same('the level', general.notificationLevel, 'muted');

  await inTime('the other way', general.setUserNotificationLevel('default'));
  same('over REST', (await world.rest.get(level)).notification_level, 'default');
  await comesToBe('the level', async () => general.notificationLevel, 'default');
});

scenario('the role of a member', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general] = await world.channelOf(alice, bob);
  const { default_channel_creator_role_sid: admin } = await world.rest.get();

  await world.rest.post(`Channels/${general.sid}/Members/bob`, { RoleSid: admin });

  const told = ({ member, updateReasons }) => member.identity === 'bob' && updateReasons.includes('roleSid');
  same('the role', (await alice.hears('memberUpdated', told)).member.roleSid, admin);
});

scenario('what a client did to channels and members', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  await world.rest.post('Users', { Identity: 'dave' });
  const general = await alice.makes({ uniqueName: 'general' });
  const record = () => world.rest.get(`Channels/${general.sid}`);
  const status = (identity) => world.rest.statusOf(`Channels/${general.sid}/Members/${identity}`);

  const seen = await inTime('the channel', bob.client.getChannelByUniqueName('general'));
  await inTime('joining', seen.join());
  same('the member', await status('bob'), 200);
  same('the count', (await record()).members_count, 2);
  await comesToBe('the status', async () => seen.status, 'joined'); // until then, older SDKs do not leave
  await inTime('leaving', seen.leave());
  same('the member', await status('bob'), 404);

  await inTime('adding', general.add('carol'));
  same('the member', await status('carol'), 200);
  await inTime('removing', general.removeMember('carol'));
  same('the member', await status('carol'), 404);

  await inTime('inviting', general.invite('dave'));
  const invites = await world.rest.list(`Channels/${general.sid}/Invites`);
  same('invites', invites.map(({ identity, created_by: by }) => ({ identity, by })), [{ identity: 'dave', by: 'alice' }]);

  await inTime('a name', general.updateFriendlyName('Renamed'));
  await inTime('attributes', general.updateAttributes({ topic: 'x' }));
  await inTime('another unique name', general.updateUniqueName('renamed'));
  has('channel', await record(), {
    friendly_name: 'Renamed', attributes: '{"topic":"x"}', unique_name: 'renamed',
  });
  await inTime('deleting', general.delete());
  same('the channel', await world.rest.statusOf(`Channels/${general.sid}`), 404);
});

scenario('a registration for pushes', async (world) => {
  const { sid } = await world.rest.ofAccount('Credentials', { Type: 'fcm', Secret: 'nobody is pushed to here' });
  const jwt = world.token('alice', { grant: { pushCredentialSid: sid } });
  const alice = await world.person('alice', { jwt });
  const devices = async () => (await world.rest.list('Bindings')).map(({ identity, binding_type: type }) => ({ identity, type }));

  await inTime('registering', alice.client.setPushRegistrationId('fcm', 'a device token'));
  await comesToBe('the devices', devices, [{ identity: 'alice', type: 'fcm' }]);

  await inTime('giving it up', alice.client.unsetPushRegistrationId('fcm'));
  await comesToBe('the devices', devices, []);
});
