// Users: what they say of themselves, and who looks.

import { comesToBe, has, inTime, refused, same } from '../checks.mjs';
import { scenario } from '../scenario.mjs';
import { allFrom } from '../world.mjs';

scenario('who looks at a user is told when the user changes', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const seen = await inTime('the user', bob.client.getUser('alice'));
  has('user', seen, { identity: 'alice', friendlyName: null, attributes: {}, isSubscribed: true });
  const told = (person, reason) => person.hears(
    'userUpdated', ({ user, updateReasons }) => user.identity === 'alice' && updateReasons.includes(reason),
  );

  await inTime('a name', alice.client.user.updateFriendlyName('Alice A.'));
  await told(bob, 'friendlyName');
  await told(alice, 'friendlyName');
  same('the name', seen.friendlyName, 'Alice A.');
  same('her own name', alice.client.user.friendlyName, 'Alice A.');

  await inTime('attributes', alice.client.user.updateAttributes({ avatar: 'a.png', nested: { n: 1 } }));
  await told(bob, 'attributes');
  same('the attributes', seen.attributes, { avatar: 'a.png', nested: { n: 1 } });
  has('REST', await world.rest.get('Users/alice'), {
    friendly_name: 'Alice A.', attributes: '{"avatar":"a.png","nested":{"n":1}}',
  });
});

scenario('who looks away is told nothing more', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general] = await world.channelOf(alice, bob);
  const seen = await inTime('the user', bob.client.getUser('alice'));
  await inTime('looking away', seen.unsubscribe());
  await bob.hears('userUnsubscribed', ({ identity }) => identity === 'alice');
  const since = bob.moment;

  await inTime('a name', alice.client.user.updateFriendlyName('Alice A.'));
  await alice.hears('userUpdated', ({ user }) => user.friendlyName === 'Alice A.');
  await world.everythingIsTold(general, bob);

  same('what bob hears', bob.heard('userUpdated', ({ user }) => user.identity === 'alice', since), []);
});

scenario('a member leads to its user', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  await alice.client.user.updateFriendlyName('Alice A.');
  const [, seen] = await world.channelOf(alice, bob);

  const member = await inTime('the member', seen.getMemberByIdentity('alice'));
  const user = await inTime('the user', member.getUser());

  await comesToBe('the name', async () => user.friendlyName, 'Alice A.');
});

scenario('descriptors of users are read, and lead to the users', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [, seen] = await world.channelOf(alice, bob);
  await alice.client.user.updateFriendlyName('Alice A.');

  await comesToBe('the name', async () => (await bob.client.getUserDescriptor('alice')).friendlyName, 'Alice A.');
  const { items } = await allFrom(await seen.getUserDescriptors());
  same('the members', items.map(({ identity }) => identity).sort(), ['alice', 'bob']);
  const user = await inTime('a user', items.find(({ identity }) => identity === 'alice').subscribe());
  has('user', user, { identity: 'alice', friendlyName: 'Alice A.' });
});

scenario('descriptors of a large channel come in pages', async (world) => {
  const alice = await world.person('alice');
  const [general] = await world.channelOf(alice);
  const identities = Array.from({ length: 120 }, (_, n) => `guest ${n}`);
  await Promise.all(
    identities.map((identity) => world.rest.post(`Channels/${general.sid}/Members`, { Identity: identity })),
  );

  const { items } = await allFrom(await general.getUserDescriptors());

  same('the members', items.map(({ identity }) => identity).sort(), ['alice', ...identities].sort());
  // The SDK shows a member in its list once it knows the user, which it asks for one by one.
  await comesToBe('how many the list has', async () => (await general.getMembers()).length, items.length);
});

scenario('an unknown user is not found', async (world) => {
  const alice = await world.person('alice');

  await refused('nobody', alice.client.getUserDescriptor('nobody'), 404);
});
