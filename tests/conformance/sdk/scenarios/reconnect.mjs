// Connections that are lost: whoever comes back has missed nothing and hears nothing twice.

import { comesToBe, has, inTime, same, within } from '../checks.mjs';
import { scenario } from '../scenario.mjs';
import { is } from '../world.mjs';

/** The longest that the SDK may take to come back, in milliseconds: it doubles its waits. */
const BACK = 40_000;

const lost = (person, since) => person.hears('connectionStateChanged', (state) => state !== 'connected', since);
const back = (person, since) =>
  person.hears('connectionStateChanged', (state) => state === 'connected', since, BACK);

const indexesIn = (person, { sid }, since) =>
  person.heard('messageAdded', ({ channel }) => channel.sid === sid, since).map(({ index }) => index);

/** Return what somebody's application shows: channels, with their members and messages. */
async function shown(person) {
  const channels = await inTime('the channels', person.client.getLocalChannels());
  const pictures = await Promise.all(channels.filter(({ status }) => status === 'joined').map(async (channel) => ({
    sid: channel.sid,
    uniqueName: channel.uniqueName,
    friendlyName: channel.friendlyName,
    attributes: channel.attributes,
    level: channel.notificationLevel,
    horizon: channel.lastConsumedMessageIndex,
    last: channel.lastMessage?.index,
    members: (await channel.getMembers())
      .map(({ sid, identity, attributes, lastConsumedMessageIndex: read }) => ({ sid, identity, attributes, read }))
      .sort((a, b) => (a.sid < b.sid ? -1 : 1)),
    messages: (await channel.getMessages(50)).items
      .map(({ sid, index, body, author, attributes }) => ({ sid, index, body, author, attributes })),
  })));
  return {
    name: person.client.user.friendlyName,
    invited: channels.filter(({ status }) => status === 'invited').map(({ sid }) => sid).sort(),
    joined: pictures.sort((a, b) => (a.sid < b.sid ? -1 : 1)),
  };
}

scenario('messages of the meantime come once and in order', async (world) => {
  const cable = await world.cable();
  const alice = await world.person('alice');
  const bob = await world.person('bob', { cable });
  const [general] = await world.channelOf(alice, bob);
  const since = bob.moment;
  const sent = [];

  for (let round = 0; round < 3; round++) {
    const moment = bob.moment;
    sent.push(await general.sendMessage(`${round} before`));
    cable.pull();
    await lost(bob, moment);
    for (let n = 0; n < 4; n++) {
      sent.push(await general.sendMessage(`${round} meanwhile ${n}`));
    }
    cable.plug();
    await back(bob, moment);
    sent.push(await general.sendMessage(`${round} after`));
  }

  await bob.hears('messageAdded', is(general.sid, sent.at(-1)), since);
  sent.push(await world.everythingIsTold(general, alice, bob));
  same('what bob heard', indexesIn(bob, general, since), sent);
});

scenario('who was away is told of every kind of change, and sees what somebody new sees', async (world) => {
  const { rest } = world;
  const cable = await world.cable();
  const [alice, carol] = await world.people('alice', 'carol');
  const bob = await world.person('bob', { cable });
  const [general, hers] = await world.channelOf(alice, carol, bob);
  const [left] = await world.channelOf(alice, bob);
  const [doomed] = await world.channelOf(alice, bob);
  const joined = await alice.makes({ isPrivate: true, friendlyName: 'Added' });
  const invited = await alice.makes({ isPrivate: true, friendlyName: 'Invited' });
  const withdrawn = await rest.post('Channels', { Type: 'private' });
  const taken = await rest.post(`Channels/${withdrawn.sid}/Invites`, { Identity: 'bob' });
  await bob.hears('channelInvited', ({ sid }) => sid === withdrawn.sid);
  await inTime('the user', bob.client.getUser('alice'));
  const edited = await general.sendMessage('to be edited');
  const removed = await general.sendMessage('to be removed');
  await world.everythingIsTold(general, alice, bob, carol);
  const at = `Channels/${general.sid}`;
  const since = bob.moment;

  cable.pull();
  await lost(bob, since);
  const message = (index) => alice.heard('messageAdded', is(general.sid, index))[0];
  await message(edited).updateBody('edited');
  await message(removed).remove();
  const added = await general.sendMessage('added');
  const { sid: unseen } = await rest.post(`${at}/Messages`, { Body: 'added and removed' });
  await rest.delete(`${at}/Messages/${unseen}`);
  await rest.post(at, { FriendlyName: 'Renamed', UniqueName: 'renamed', Attributes: '{"topic":"x"}' });
  await rest.post(`${at}/Members`, { Identity: 'dave' });
  await rest.post(`${at}/Members/alice`, { Attributes: '{"seat":4}', LastConsumedMessageIndex: 0 });
  await inTime('leaving', hers.leave());
  await rest.post(`Users/bob/${at}`, { NotificationLevel: 'muted' });
  await rest.post(`${at}/Members/bob`, { LastConsumedMessageIndex: 0 });
  await joined.add('bob');
  await joined.sendMessage('welcome');
  await invited.invite('bob');
  await rest.delete(`Channels/${withdrawn.sid}/Invites/${taken.sid}`);
  await rest.delete(`Channels/${left.sid}/Members/bob`);
  await rest.delete(`Channels/${doomed.sid}`);
  await rest.post('Users/alice', { FriendlyName: 'Alice A.' });
  await rest.post('Users/bob', { FriendlyName: 'Bob B.' });
  cable.plug();
  await back(bob, since);

  const hears = (event, matching) => bob.hears(event, matching, since);
  const it = (channel) => ({ sid }) => sid === channel.sid;
  const ofChannel = (reason) => ({ channel, updateReasons }) =>
    channel.sid === general.sid && updateReasons.includes(reason);
  const ofAlice = (reason) => ({ member, updateReasons }) =>
    member.identity === 'alice' && updateReasons.includes(reason);
  const told = ({ updateReasons, message: one }) => one.index === edited && updateReasons.includes('body');
  same('the body', (await hears('messageUpdated', told)).message.body, 'edited');
  await hears('messageRemoved', is(general.sid, removed));
  await hears('messageAdded', is(general.sid, added));
  for (const reason of ['friendlyName', 'uniqueName', 'attributes', 'notificationLevel', 'lastConsumedMessageIndex']) {
    await hears('channelUpdated', ofChannel(reason));
  }
  await hears('memberJoined', ({ identity }) => identity === 'dave');
  await hears('memberLeft', ({ identity }) => identity === 'carol');
  await hears('memberUpdated', ofAlice('attributes'));
  await hears('memberUpdated', ofAlice('lastConsumedMessageIndex'));
  await hears('channelJoined', it(joined));
  await hears('channelInvited', it(invited));
  await hears('channelRemoved', it(withdrawn));
  await hears('channelLeft', it(left));
  await hears('channelRemoved', it(doomed));
  await hears('userUpdated', ({ user }) => user.identity === 'alice' && user.friendlyName === 'Alice A.');
  await hears('userUpdated', ({ user }) => user.identity === 'bob' && user.friendlyName === 'Bob B.');

  const last = await world.everythingIsTold(general, bob);
  same('messages', indexesIn(bob, general, since), [added, last]);
  const fresh = await world.person('bob');
  await Promise.all([general, joined].map((channel) => fresh.looksAt(channel)));
  await fresh.hears('channelInvited', it(invited));
  const expected = await shown(fresh);
  has('what somebody new sees', expected, { name: 'Bob B.', invited: [invited.sid] });
  await comesToBe('what bob sees', () => shown(bob), expected);
});

scenario('what is sent while the connection is away is sent when it is back, once', async (world) => {
  const cable = await world.cable();
  const alice = await world.person('alice');
  const bob = await world.person('bob', { cable });
  const [general, seen] = await world.channelOf(alice, bob);
  const since = bob.moment;

  cable.pull();
  await lost(bob, since);
  const sending = seen.sendMessage('kept until the cable is back');
  cable.plug();
  const index = await within(BACK, 'sending', sending);

  await alice.hears('messageAdded', is(general.sid, index));
  const last = await world.everythingIsTold(general, alice, bob);
  same('what alice heard', indexesIn(alice, general), [index, last]);
  same('what bob heard', indexesIn(bob, general), [index, last]);
});

scenario('a channel that is deleted meanwhile is removed', async (world) => {
  const cable = await world.cable();
  const alice = await world.person('alice');
  const bob = await world.person('bob', { cable });
  const doomed = await alice.makes();
  await bob.joins(doomed);
  const since = bob.moment;

  cable.pull();
  await lost(bob, since);
  await inTime('deleting', doomed.delete());
  cable.plug();

  await bob.hears('channelRemoved', ({ sid }) => sid === doomed.sid, since, BACK);
});

scenario('a server is killed and comes back: nothing is lost and nothing is heard twice', async (world) => {
  await outlived(world, 'SIGKILL');
}, { ownServer: true });

scenario('a server is stopped and comes back: nothing is lost and nothing is heard twice', async (world) => {
  await outlived(world, 'SIGTERM');
}, { ownServer: true });

/** People talk before, during and after the end of a server, which starts again on the same database. */
async function outlived(world, signal) {
  const cable = await world.cable();
  const people = await Promise.all(['alice', 'bob'].map((identity) => world.person(identity, { cable })));
  const [general, seen] = await world.channelOf(...people);
  const sent = [];
  for (let n = 0; n < 5; n++) {
    sent.push(await general.sendMessage(`before ${n}`));
  }
  const since = people.map(({ moment }) => moment);

  await world.server.end(signal);
  cable.pull();
  await Promise.all(people.map((person, n) => lost(person, since[n])));
  await world.restarts();
  cable.plug(world.base);
  const sending = seen.sendMessage('meanwhile');
  await Promise.all(people.map((person, n) => back(person, since[n])));

  sent.push(await within(BACK, 'sending', sending));
  sent.push(await inTime('sending', general.sendMessage('after')));
  sent.push(await world.everythingIsTold(general, ...people));
  for (const person of people) {
    same(`what ${person.identity} heard`, indexesIn(person, general), sent);
  }
  const stored = await world.rest.list(`Channels/${general.sid}/Messages`);
  same('what is stored', stored.map(({ index }) => index), sent);
}
