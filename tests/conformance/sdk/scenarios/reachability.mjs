// Reachability: who is online.

import { comesToBe, inTime, same } from '../checks.mjs';
import { scenario } from '../scenario.mjs';

const ENABLED = { service: { ReachabilityEnabled: true } };

const carolIs = (online) => ({ user, updateReasons }) =>
  user.identity === 'carol' && updateReasons.includes('online') && user.online === online;

const overRest = async (world) => (await world.rest.get('Users/carol')).is_online;

scenario('the others see who comes and who goes', async (world) => {
  const [bob, carol] = await world.people('bob', 'carol');
  same('it is enabled', bob.client.reachabilityEnabled, true);
  const seen = await inTime('the user', bob.client.getUser('carol'));
  await comesToBe('carol is online', async () => seen.online, true);
  same('over REST', await overRest(world), true);

  const since = bob.moment;
  await carol.leaves();
  await bob.hears('userUpdated', carolIs(false), since);
  same('over REST', await overRest(world), false);

  await world.person('carol');
  await bob.hears('userUpdated', carolIs(true), since);
  same('over REST', await overRest(world), true);
}, ENABLED);

scenario('a user is online until the last device goes', async (world) => {
  const [bob, phone, tablet] = await world.people('bob', 'carol', 'carol');
  const seen = await inTime('the user', bob.client.getUser('carol'));
  await comesToBe('carol is online', async () => seen.online, true);
  const [general] = await world.channelOf(bob);
  const since = bob.moment;

  await phone.leaves();
  await world.everythingIsTold(general, bob);
  same('what bob hears', bob.heard('userUpdated', carolIs(false), since), []);

  await tablet.leaves();
  await bob.hears('userUpdated', carolIs(false), since);
}, ENABLED);

scenario('nobody is told while the service has it off', async (world) => {
  const [bob] = await world.people('bob', 'carol');

  same('it is enabled', bob.client.reachabilityEnabled, false);
  same('over REST', await overRest(world), null);
});
