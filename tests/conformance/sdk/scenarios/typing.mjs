// Typing: told to the others, for as long as the service says.

import { inTime, same, yes } from '../checks.mjs';
import { scenario } from '../scenario.mjs';
import { is } from '../world.mjs';

const byAlice = ({ identity }) => identity === 'alice';

/** What the server adds to the time of a service, for what is on its way, in milliseconds. */
const MARGIN = 1_000;

/** How far a timer of a busy machine may be off, in milliseconds. */
const OFF = 1_500;

scenario('the others are told that somebody types, and nobody else is', async (world) => {
  const [alice, bob, eve] = await world.people('alice', 'bob', 'eve');
  const [general] = await world.channelOf(alice, bob);
  const [other] = await world.channelOf(alice, bob, eve);
  await world.everythingIsTold(general, alice, bob);

  await inTime('typing', general.typing());

  const member = await bob.hears('typingStarted', byAlice);
  same('the channel', member.channel.sid, general.sid);
  same('it shows', member.isTyping, true);
  await world.everythingIsTold(other, alice, eve);
  for (const person of [alice, eve]) {
    same('what somebody else hears', person.heard('typingStarted'), []);
  }
});

/** Typing is told while a channel is open and never later: so everybody here has it open. */
async function aliceAndBob(world) {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general] = await world.channelOf(alice, bob);
  await world.everythingIsTold(general, alice, bob);
  return { general, alice, bob };
}

scenario('typing lasts as long as the service says', async (world) => {
  const { general, bob } = await aliceAndBob(world);

  await inTime('typing', general.typing());
  await bob.hears('typingStarted', byAlice);
  const began = Date.now();
  await bob.hears('typingEnded', byAlice);

  const took = Date.now() - began;
  const expected = 2_000 + MARGIN;
  yes(`it took about ${expected} ms, not ${took}`, Math.abs(took - expected) < OFF);
}, { service: { TypingIndicatorTimeout: 2 } });

scenario('a message ends typing at once', async (world) => {
  const { general, bob } = await aliceAndBob(world);
  await inTime('typing', general.typing());
  await bob.hears('typingStarted', byAlice);

  const index = await general.sendMessage('typed');
  await bob.hears('messageAdded', is(general.sid, index));

  await bob.hears('typingEnded', byAlice, 0, OFF);
}, { service: { TypingIndicatorTimeout: 60 } });

scenario('who is no member cannot tell that they type', async (world) => {
  const [alice, bob, eve] = await world.people('alice', 'bob', 'eve');
  const [general] = await world.channelOf(alice, bob);

  const outside = await eve.finds(general.sid);
  await inTime('an answer', Promise.resolve(outside.typing()).catch(() => {}));
  await world.everythingIsTold(general, alice, bob);

  same('what bob hears', bob.heard('typingStarted'), []);
});
