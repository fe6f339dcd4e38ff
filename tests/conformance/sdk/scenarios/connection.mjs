// Connecting, as whoever it may be, and leaving.

import { eventually, inTime, same, yes } from '../checks.mjs';
import { scenario } from '../scenario.mjs';
import { Client, GENERATION, options } from '../sdk.mjs';

scenario('a client connects and knows who its user is', async (world) => {
  const alice = await world.person('alice');

  await alice.is('connected');
  same('the identity', alice.client.user.identity, 'alice');
  same('users', (await world.rest.list('Users')).map(({ identity }) => identity), ['alice']);
});

scenario('Client.create gives a client that is ready', async (world) => {
  const client = await inTime('creating', Client.create(world.token('alice'), options()));

  same('the identity', client.user.identity, 'alice');
  const channel = await inTime('a channel', client.createChannel({ friendlyName: 'General' }));
  same('the friendly name', channel.friendlyName, 'General');
  await client.shutdown();
});

scenario('a client that shuts down is disconnected, and stays so', async (world) => {
  const alice = await world.person('alice');
  await alice.is('connected');

  await alice.leaves();

  await alice.is('disconnected');
});

scenario('a user may have any name', async (world) => {
  const names = ['user+1@example.com', 'jane doe', 'a/b', 'q&r=1', '50% off', 'Zoë', '\u4e2d\u{1f680}'];
  // What follows a per cent sign is decoded by the SDK itself, once too often.
  for (const name of names.filter((one) => !one.includes('%') || GENERATION < 5)) {
    const person = await world.person(name);
    same('the identity', person.client.user.identity, name);

    await inTime(`${name} is renamed`, person.client.user.updateFriendlyName(`Name of ${name}`));
    await person.hears('userUpdated', ({ user }) => user.friendlyName === `Name of ${name}`);
    const descriptor = await inTime('a descriptor', person.client.getUserDescriptor(name));
    same('the identity of the descriptor', descriptor.identity, name);

    const channel = await person.makes();
    same('the only member', (await channel.getMembers()).map(({ identity }) => identity), [name]);
    await inTime(`${name} leaves`, channel.leave());
    await person.hears('channelLeft', ({ sid }) => sid === channel.sid);
    await person.leaves();
  }
});

scenario('two devices of a user hear the same, each once', async (world) => {
  const [alice, phone, tablet] = await world.people('alice', 'bob', 'bob');
  const [general, onPhone] = await world.channelOf(alice, phone);
  await tablet.looksAt(general);

  const index = await inTime('a message from the phone', onPhone.sendMessage('from my phone'));
  await onPhone.advanceLastConsumedMessageIndex(index);
  const read = ({ channel, updateReasons }) =>
    channel.sid === general.sid && updateReasons.includes('lastConsumedMessageIndex');
  await tablet.hears('channelUpdated', read);

  await world.everythingIsTold(general, alice, phone, tablet);
  for (const person of [alice, phone, tablet]) {
    same('messages', person.heard('messageAdded', (one) => one.index === index).length, 1);
  }
});

scenario('a client that starts later has the channels that its user joined', async (world) => {
  const phone = await world.person('bob');
  const channel = await phone.makes({ friendlyName: 'General', uniqueName: 'general' });

  const tablet = await world.person('bob');

  await tablet.hears('channelJoined', ({ sid }) => sid === channel.sid);
  const found = await tablet.finds(channel.sid);
  same('its status', found.status, 'joined');
  same('its friendly name', found.friendlyName, 'General');
  same('its unique name', found.uniqueName, 'general');
});

scenario('a client finds all its channels when there are more than a page of them', async (world) => {
  const made = await Promise.all(
    Array.from({ length: 60 }, (_, n) => world.rest.post('Channels', { FriendlyName: `Channel ${n}` })),
  );
  await Promise.all(made.map(({ sid }) => world.rest.post(`Channels/${sid}/Members`, { Identity: 'bob' })));

  const bob = await world.person('bob');

  const joined = () => new Set(bob.heard('channelJoined').map(({ sid }) => sid));
  await eventually('every channel is joined', async () => joined().size === made.length);
  yes('they are the same', made.every(({ sid }) => joined().has(sid)));
});
