// Members: joining and leaving, inviting, adding and removing.

import { comesToBe, inTime, refused, same, sidOf, yes } from '../checks.mjs';
import { scenario } from '../scenario.mjs';
import { NO_PART, statusOf } from '../sdk.mjs';
import { is } from '../world.mjs';

const names = async (channel) => (await channel.getMembers()).map(({ identity }) => identity).sort();

scenario('who joins is seen by those who are there', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const general = await alice.makes();
  same('the creator is the only member', await names(general), ['alice']);

  const seen = await bob.joins(general);

  const member = await alice.hears('memberJoined', ({ identity }) => identity === 'bob');
  sidOf('MB', 'the member', member.sid);
  same('the channel of the member', member.channel.sid, general.sid);
  same('members', await names(seen), ['alice', 'bob']);
  same('the status', seen.status, 'joined');
});

scenario('nobody joins twice', async (world) => {
  const [alice] = await world.people('alice');
  const [general] = await world.channelOf(alice);

  // A generation that knows better does not even ask.
  const again = general.join().then(() => 'nothing happened', statusOf);

  yes('the second time is refused or does nothing', ['nothing happened', 409].includes(await again));
  same('members', await names(general), ['alice']);
});

scenario('who leaves is gone, and may come back as a new member', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general, seen] = await world.channelOf(alice, bob);
  const first = await general.getMemberByIdentity('bob');

  await inTime('leaving', seen.leave());
  await bob.hears('channelLeft', ({ sid }) => sid === general.sid);
  const left = await alice.hears('memberLeft', ({ identity }) => identity === 'bob');
  same('who left', left.sid, first.sid);
  await comesToBe('the status', async () => seen.status, NO_PART);
  same('members', await names(general), ['alice']);

  const since = [alice.moment, bob.moment];
  await inTime('joining again', seen.join());
  await bob.hears('channelJoined', ({ sid }) => sid === general.sid, since[1]);
  const again = await alice.hears('memberJoined', ({ identity }) => identity === 'bob', since[0]);
  yes('it is another member', again.sid !== first.sid);
  await seen.getMessages(1);
  const index = await general.sendMessage('welcome back');
  await bob.hears('messageAdded', is(general.sid, index));
});

scenario('who left a channel hears nothing more of it', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general, seen] = await world.channelOf(alice, bob);
  const [other] = await world.channelOf(alice, bob);
  await inTime('leaving', seen.leave());
  await bob.hears('channelLeft', ({ sid }) => sid === general.sid);
  const since = bob.moment;

  await general.sendMessage('bob has left');
  await world.everythingIsTold(other, bob);

  same('messages', bob.heard('messageAdded', ({ channel }) => channel.sid === general.sid, since), []);
});

scenario('an invited user accepts', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const secret = await alice.makes({ isPrivate: true, friendlyName: 'Secret' });

  await inTime('inviting', secret.invite('bob'));
  const invited = await bob.hears('channelInvited', ({ sid }) => sid === secret.sid);
  same('the status', invited.status, 'invited');
  same('the friendly name', invited.friendlyName, 'Secret');
  await refused('inviting again', secret.invite('bob'), 409, 50212);

  const seen = await bob.joins(invited);
  same('the status', seen.status, 'joined');
  await alice.hears('memberJoined', ({ identity }) => identity === 'bob');
  const index = await secret.sendMessage('between us');
  await bob.hears('messageAdded', is(secret.sid, index));
});

scenario('an invited user declines', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const secret = await alice.makes({ isPrivate: true });
  await inTime('inviting', secret.invite('bob'));
  const invited = await bob.hears('channelInvited', ({ sid }) => sid === secret.sid);

  await inTime('declining', invited.decline());

  await bob.hears('channelLeft', ({ sid }) => sid === secret.sid);
  await bob.hears('channelRemoved', ({ sid }) => sid === secret.sid);
  same('members', await names(secret), ['alice']);
  same('invites', await world.rest.list(`Channels/${secret.sid}/Invites`), []);
  const search = bob.client.getChannelBySid(secret.sid);
  yes('it is not found any more', await inTime('an answer', search.then(() => false, () => true)));
});

scenario('a member is added, and removed by name', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const secret = await alice.makes({ isPrivate: true });
  const it = ({ sid }) => sid === secret.sid;

  await inTime('adding', secret.add('bob'));
  await bob.hears('channelAdded', it);
  await bob.hears('channelJoined', it);
  await alice.hears('memberJoined', ({ identity }) => identity === 'bob');
  await refused('adding again', secret.add('bob'), 409, 50404);
  await bob.looksAt(secret);
  await world.everythingIsTold(secret, bob);

  await inTime('removing', secret.removeMember('bob'));
  await bob.hears('channelLeft', it);
  await bob.hears('channelRemoved', it);
  await alice.hears('memberLeft', ({ identity }) => identity === 'bob');
});

scenario('a member is removed by what stands for it', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const general = await alice.makes();
  await bob.joins(general);
  const member = await alice.hears('memberJoined', ({ identity }) => identity === 'bob');

  await inTime('removing', member.remove());

  await alice.hears('memberLeft', ({ sid }) => sid === member.sid);
  await bob.hears('channelLeft', ({ sid }) => sid === general.sid);
  same('members', await names(general), ['alice']);
});

scenario('who was removed from a private channel hears nothing more of it', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const secret = await alice.makes({ isPrivate: true });
  await secret.add('bob');
  await bob.looksAt(secret);
  const [other] = await world.channelOf(alice, bob);
  await secret.removeMember('bob');
  await bob.hears('channelRemoved', ({ sid }) => sid === secret.sid);

  await secret.sendMessage('bob must not see this');
  await world.everythingIsTold(other, bob);

  same('messages', bob.heard('messageAdded', ({ channel }) => channel.sid === secret.sid), []);
});

scenario('the attributes of a member are told to the others', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const general = await alice.makes();
  await bob.joins(general);
  const member = await alice.hears('memberJoined', ({ identity }) => identity === 'bob');

  await inTime('a change', member.updateAttributes({ colour: 'red' }));

  const told = await bob.hears(
    'memberUpdated', (one) => one.member.identity === 'bob' && one.updateReasons.includes('attributes'),
  );
  same('the attributes', told.member.attributes, { colour: 'red' });
});

scenario('a member changes its own attributes', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [, seen] = await world.channelOf(alice, bob);
  const me = await inTime('the member', seen.getMemberByIdentity('bob'));

  await inTime('a change', me.updateAttributes({ seat: 4 }));

  const told = await alice.hears('memberUpdated', ({ updateReasons }) => updateReasons.includes('attributes'));
  same('whose they are', told.member.identity, 'bob');
  same('the attributes', told.member.attributes, { seat: 4 });
});

scenario('a channel takes no more members than the service allows', async (world) => {
  const [alice, bob, carol] = await world.people('alice', 'bob', 'carol');
  const [general] = await world.channelOf(alice, bob);

  const outside = await carol.finds(general.sid);
  await refused('the third member', outside.join(), 403, 50403);

  same('members', await names(general), ['alice', 'bob']);
  const [second] = await world.channelOf(carol);
  same('members of another channel', await names(second), ['carol']);
}, { service: { 'Limits.ChannelMembers': 2 } });

scenario('a user joins no more channels than the service allows', async (world) => {
  const alice = await world.person('alice');
  await world.channelOf(alice);
  await world.channelOf(alice);

  const { sid } = await world.rest.post('Channels');
  const third = await alice.finds(sid);
  await refused('the third channel', third.join(), 403, 50208);
}, { service: { 'Limits.UserChannels': 2 } });
