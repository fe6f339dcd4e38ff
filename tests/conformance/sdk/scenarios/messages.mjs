// Messages: sending, editing and removing them.

import { has, inTime, now, refused, same, sidOf, yes } from '../checks.mjs';
import { scenario } from '../scenario.mjs';
import { madeAt } from '../sdk.mjs';
import { is } from '../world.mjs';

scenario('a message reaches everybody as it was sent, once', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general] = await world.channelOf(alice, bob);
  const body = 'hello \u00e9\u4e2d\u{1f680} "quoted" \\ \n second line \u2028 end';
  const attributes = { k: 1, deep: { a: [null, 'x'] } };

  const index = await inTime('sending', general.sendMessage(body, attributes));

  same('the first index', index, 0);
  const message = await bob.hears('messageAdded', is(general.sid, index));
  sidOf('IM', 'the message', message.sid);
  has('message', message, { body, attributes, author: 'alice', type: 'text' });
  now('when it was made', madeAt(message));
  same('its member', (await message.getMember()).identity, 'alice');
  await world.everythingIsTold(general, alice, bob);
  for (const person of [alice, bob]) {
    same('messages', person.heard('messageAdded', is(general.sid, index)).length, 1);
  }
  has('REST', await world.rest.get(`Channels/${general.sid}/Messages/${message.sid}`), {
    body, index, from: 'alice', attributes: JSON.stringify(attributes),
  });
});

scenario('messages come in one order to everybody', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general, seen] = await world.channelOf(alice, bob);
  const sent = Array.from({ length: 25 }, (_, n) => [general.sendMessage(`a${n}`), seen.sendMessage(`b${n}`)]);

  const indexes = await inTime('sending', Promise.all(sent.flat()));

  const last = await world.everythingIsTold(general, alice, bob);
  const expected = Array.from({ length: last + 1 }, (_, index) => index);
  same('what the senders were answered', [...indexes].sort((a, b) => a - b), expected.slice(0, -1));
  for (const person of [alice, bob]) {
    same('what was heard', person.heard('messageAdded').map(({ index }) => index), expected);
  }
  const bodies = (person) => person.heard('messageAdded').map(({ body }) => body);
  same('the order', bodies(alice), bodies(bob));
});

scenario('a message is edited', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general] = await world.channelOf(alice, bob);
  const index = await general.sendMessage('before', { v: 1 });
  const mine = await alice.hears('messageAdded', is(general.sid, index));
  await bob.hears('messageAdded', is(general.sid, index));
  const told = (reason) => bob.hears(
    'messageUpdated', ({ message, updateReasons }) => message.index === index && updateReasons.includes(reason),
  );

  await inTime('another body', mine.updateBody('after'));
  const { message } = await told('body');
  same('the body', message.body, 'after');
  yes('it is later', message.dateUpdated >= madeAt(message));
  same('who edited it', message.lastUpdatedBy, 'alice');

  await inTime('other attributes', mine.updateAttributes({ v: 2 }));
  await told('attributes');
  has('message', message, { attributes: { v: 2 }, body: 'after' });
  const [stored] = await world.rest.list(`Channels/${general.sid}/Messages`);
  has('REST', stored, { body: 'after', attributes: '{"v":2}', was_edited: true, last_updated_by: 'alice' });
});

scenario('a message is removed', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general] = await world.channelOf(alice, bob);
  const index = await general.sendMessage('to be removed');
  const mine = await alice.hears('messageAdded', is(general.sid, index));
  await bob.hears('messageAdded', is(general.sid, index));

  await inTime('removing', mine.remove());

  await bob.hears('messageRemoved', is(general.sid, index));
  same('for somebody new', (await (await world.person('bob')).reads(general)), []);
  same('over REST', await world.rest.list(`Channels/${general.sid}/Messages`), []);
  const next = await general.sendMessage('the next one');
  same('an index is never used again', next, index + 1);
});

scenario('only members send', async (world) => {
  const [alice, eve] = await world.people('alice', 'eve');
  const [general] = await world.channelOf(alice);

  const outside = await eve.finds(general.sid);
  await refused('a message of somebody else', outside.sendMessage('nope'), 403, 50400);

  same('messages', await world.rest.list(`Channels/${general.sid}/Messages`), []);
});

scenario('a message that is too long is refused, and the connection lives', async (world) => {
  const alice = await world.person('alice');
  const [general] = await world.channelOf(alice);

  await refused('33 KB', general.sendMessage('x'.repeat(33 * 1024)), 400, 50504);

  const body = '\u4e2d'.repeat(10_000);
  const index = await inTime('30 KB', general.sendMessage(body));
  same('the body', (await alice.hears('messageAdded', is(general.sid, index))).body, body);
});
