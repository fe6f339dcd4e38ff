// The read horizon: how far somebody has read, what is unread, and who is told.

import { comesToBe, inTime, same, yes } from '../checks.mjs';
import { scenario } from '../scenario.mjs';
import { is } from '../world.mjs';

/** The code of a refusal to open a Sync object. */
const NO_SYNC_OBJECT = 54100;

const ofBob = ({ member, updateReasons }) =>
  member.identity === 'bob' && updateReasons.includes('lastConsumedMessageIndex');

/** Return a channel in which five messages wait for two people. */
async function fiveMessages(world) {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general, seen] = await world.channelOf(alice, bob);
  for (let n = 0; n < 5; n++) {
    await general.sendMessage(`${n}`);
  }
  await bob.hears('messageAdded', is(general.sid, 4));
  return { alice, bob, general, seen };
}

scenario('nothing is known of what somebody has read at first', async (world) => {
  const { seen } = await fiveMessages(world);

  same('the horizon', seen.lastConsumedMessageIndex, null);
  same('the count', await seen.getUnconsumedMessagesCount(), null);
});

scenario('the others are told how far somebody has read', async (world) => {
  const { alice, general, seen } = await fiveMessages(world);

  const left = await inTime('reading', seen.advanceLastConsumedMessageIndex(2));

  same('what is left', left, 2);
  const { member } = await alice.hears('memberUpdated', ofBob);
  same('the horizon at the others', member.lastConsumedMessageIndex, 2);
  yes('with its time', member.lastConsumptionTimestamp instanceof Date);
  await comesToBe('the horizon', async () => seen.lastConsumedMessageIndex, 2);
  await comesToBe('the count', () => seen.getUnconsumedMessagesCount(), 2);
  const stored = await world.rest.get(`Channels/${general.sid}/Members/bob`);
  same('the horizon over REST', stored.last_consumed_message_index, 2);
  const ofUser = await world.rest.get(`Users/bob/Channels/${general.sid}`);
  same('the count over REST', ofUser.unread_messages_count, 2);
});

scenario('everything is read, something new comes, and everything is unread again', async (world) => {
  const { bob, general, seen } = await fiveMessages(world);

  same('what is left', await inTime('reading all', seen.setAllMessagesConsumed()), 0);
  await comesToBe('the horizon', async () => seen.lastConsumedMessageIndex, 4);
  await comesToBe('the count', () => seen.getUnconsumedMessagesCount(), 0);

  const index = await general.sendMessage('something new');
  await bob.hears('messageAdded', is(general.sid, index));
  await comesToBe('the count', () => seen.getUnconsumedMessagesCount(), 1);

  await inTime('reading none', seen.setNoMessagesConsumed());
  await comesToBe('the horizon', async () => seen.lastConsumedMessageIndex, null);
  await comesToBe('the count', () => seen.getUnconsumedMessagesCount(), null);
});

scenario('a horizon may go back, and removed messages do not count', async (world) => {
  const { alice, general, seen } = await fiveMessages(world);
  await inTime('reading', seen.updateLastConsumedMessageIndex(3));
  await comesToBe('the horizon', async () => seen.lastConsumedMessageIndex, 3);

  await inTime('going back', seen.updateLastConsumedMessageIndex(0));
  await comesToBe('the horizon', async () => seen.lastConsumedMessageIndex, 0);
  const second = alice.heard('messageAdded', is(general.sid, 2))[0];
  await inTime('removing', second.remove());

  await comesToBe('the count', () => seen.getUnconsumedMessagesCount(), 3);
});

scenario('nobody else is told how far somebody has read while the service says so', async (world) => {
  const { alice, bob, general, seen } = await fiveMessages(world);

  await inTime('reading', seen.advanceLastConsumedMessageIndex(2));
  await comesToBe('the own horizon', async () => seen.lastConsumedMessageIndex, 2);
  // A change of the same member is told after it, if it is told.
  await world.rest.post(`Channels/${general.sid}/Members/bob`, { Attributes: '{"seat":4}' });
  const { member } = await alice.hears('memberUpdated', ({ updateReasons }) => updateReasons.includes('attributes'));

  same('what alice hears', alice.heard('memberUpdated', ofBob), []);
  same('the horizon of bob, for alice', member.lastConsumedMessageIndex, null);
  const carol = await world.person('carol');
  const fresh = await carol.joins(general);
  same('and for somebody new', (await fresh.getMemberByIdentity('bob')).lastConsumedMessageIndex, null);
  const tablet = await world.person('bob');
  same('but not for bob', (await tablet.looksAt(general)).lastConsumedMessageIndex, 2);
  const stored = await world.rest.get(`Channels/${general.sid}/Members/bob`);
  same('nor over REST', stored.last_consumed_message_index, 2);
}, { service: { ReadStatusEnabled: false } });

scenario('a horizon in a channel that was deleted meanwhile is no error', async (world) => {
  const { bob, general, seen } = await fiveMessages(world);
  await world.rest.delete(`Channels/${general.sid}`);

  await inTime('reading', seen.advanceLastConsumedMessageIndex(2)).catch((error) => {
    // An SDK that has been told of the removal by now asks for the objects of the channel anew, which are gone.
    const asksAnew = error.message.includes(`code: ${NO_SYNC_OBJECT}`);
    yes(`no 404: ${error.message}`, asksAnew || (error.status ?? error.code) !== 404);
  });

  await bob.hears('channelRemoved', ({ sid }) => sid === general.sid);
  await bob.is('connected');
});
