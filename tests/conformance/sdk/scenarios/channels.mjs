// Channels: making, finding, changing and deleting them.

import { comesToBe, has, inTime, now, refused, same, sidOf, yes } from '../checks.mjs';
import { scenario } from '../scenario.mjs';
import { GENERATION, NO_PART } from '../sdk.mjs';
import { allFrom } from '../world.mjs';

scenario('a channel is as it was made, and REST has it at once', async (world) => {
  const alice = await world.person('alice');
  const attributes = { topic: 'x', list: [1, 2, { deep: null }] };

  const general = await alice.client.createChannel({ uniqueName: 'general', friendlyName: 'General', attributes });

  sidOf('CH', 'the channel', general.sid);
  has('channel', general, {
    uniqueName: 'general', friendlyName: 'General', attributes, isPrivate: false, type: 'public',
    createdBy: 'alice', status: NO_PART,
  });
  now('dateCreated', general.dateCreated);
  same('dateUpdated', general.dateUpdated, general.dateCreated);
  await alice.hears('channelAdded', ({ sid }) => sid === general.sid);
  has('REST', await world.rest.get(`Channels/${general.sid}`), {
    unique_name: 'general', friendly_name: 'General', type: 'public', created_by: 'alice', members_count: 0,
  });
});

scenario('a unique name is taken only once', async (world) => {
  const alice = await world.person('alice');
  const general = await alice.makes({ uniqueName: 'general' });
  const other = await alice.makes({ uniqueName: 'other' });

  await refused('the name again', alice.client.createChannel({ uniqueName: 'general' }), 409, 50307);
  await refused('a change to it', other.updateUniqueName('general'), 409, 50307);

  await general.delete();
  await alice.hears('channelRemoved', ({ sid }) => sid === general.sid);
  await inTime('the name of a deleted channel', other.updateUniqueName('general'));
});

scenario('a channel is found by its SID and by its unique name', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const general = await alice.makes({ uniqueName: 'general', friendlyName: 'General' });

  const byName = await inTime('by name', bob.client.getChannelByUniqueName('general'));
  const bySid = await bob.finds(general.sid);

  same('the SID', byName.sid, general.sid);
  same('the friendly name', bySid.friendlyName, 'General');
  same('the status', bySid.status, NO_PART);
});

scenario('what is not there is not found', async (world) => {
  const alice = await world.person('alice');

  await refused('an unknown name', alice.client.getChannelByUniqueName('nowhere'), 404);
  await refused('an unknown SID', alice.client.getChannelBySid(`CH${'0'.repeat(32)}`), 404);
});

scenario('who looks at a channel is told when it changes', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const general = await alice.makes({ uniqueName: 'general', friendlyName: 'General' });
  const seen = await bob.joins(general);
  const told = (reason) => bob.hears(
    'channelUpdated',
    ({ channel, updateReasons }) => channel.sid === general.sid && updateReasons.includes(reason),
  );

  await inTime('the friendly name', general.updateFriendlyName('Renamed'));
  await told('friendlyName');
  same('the friendly name', seen.friendlyName, 'Renamed');

  await inTime('the attributes', general.updateAttributes({ topic: 'y' }));
  await told('attributes');
  same('the attributes', seen.attributes, { topic: 'y' });

  await inTime('the unique name', general.updateUniqueName('elsewhere'));
  await told('uniqueName');
  same('the unique name', seen.uniqueName, 'elsewhere');
  await comesToBe(
    'what the new name finds',
    async () => (await bob.client.getChannelByUniqueName('elsewhere')).sid,
    general.sid,
  );
  yes('it is later than when it was made', general.dateUpdated >= general.dateCreated);
});

scenario('attributes are any JSON', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const general = await alice.makes();
  const seen = await bob.joins(general);

  for (const attributes of ['text', 17, true, [1, [2]], { 'ключ': '\u{1f680} "quoted" \\ \u2028' }]) {
    await inTime('a change', general.updateAttributes(attributes));
    await comesToBe('the attributes', async () => seen.attributes, attributes);
  }
}, { unless: { 3: 'this generation takes nothing but objects' } });

scenario('a deleted channel is removed from everybody, once', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const general = await alice.makes({ uniqueName: 'general' });
  await bob.joins(general);
  const [other] = await world.channelOf(alice, bob);

  await inTime('deleting', general.delete());

  const it = ({ sid }) => sid === general.sid;
  for (const person of [alice, bob]) {
    await person.hears('channelRemoved', it);
    await person.hears('channelLeft', it);
  }
  await world.everythingIsTold(other, alice, bob);
  for (const person of [alice, bob]) {
    same('removals', person.heard('channelRemoved', it).length, 1);
    same('leavings', person.heard('channelLeft', it).length, 1);
    await refused('the channel', person.client.getChannelBySid(general.sid), 404);
    const { items } = await allFrom(await person.client.getSubscribedChannels());
    yes('it is not subscribed', !items.some(it));
  }
  same('the status over REST', await world.rest.statusOf(`Channels/${general.sid}`), 404);
});

scenario('the list of subscribed channels has what is joined', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const general = await alice.makes();
  await alice.makes();
  await bob.joins(general);

  const { items } = await allFrom(await bob.client.getSubscribedChannels());

  same('channels', items.map(({ sid, status }) => ({ sid, status })), [{ sid: general.sid, status: 'joined' }]);
});

scenario('the directory pages through every public channel and no private one', async (world) => {
  const alice = await world.person('alice');
  const posted = await Promise.all(
    Array.from({ length: 120 }, (_, n) => world.rest.post('Channels', {
      FriendlyName: `Channel ${n}`, Type: n % 12 === 0 ? 'private' : 'public',
    })),
  );
  const made = posted.filter(({ type }) => type === 'public').map(({ sid }) => sid);
  await world.rest.post(`Channels/${made[7]}/Members`, { Identity: 'carol' });
  await world.rest.post(`Channels/${made[7]}/Messages`, { Body: 'hello' });

  const first = await inTime('the directory', alice.client.getPublicChannelDescriptors());
  const { items, pages } = await allFrom(first);

  same('channels', items.map(({ sid }) => sid).sort(), [...made].sort());
  yes(`there are pages (${pages})`, pages > 1);
  has('descriptor', items.find(({ sid }) => sid === made[7]), { membersCount: 1, messagesCount: 1 });
  const second = await inTime('the second page', first.nextPage());
  same('there is a page before it', second.hasPrevPage, true);
  const back = await inTime('the page before it', second.prevPage());
  same('that page', back.items.map(({ sid }) => sid), first.items.map(({ sid }) => sid));
  same('it is the first', back.hasPrevPage, false);
  const channel = await inTime('the channel of a descriptor', items[3].getChannel());
  same('that channel', channel.sid, items[3].sid);
});

scenario('the list of own channels has what is joined and what one is invited to', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const joined = await alice.makes();
  const invited = await alice.makes();
  await alice.makes();
  await bob.joins(joined);
  await inTime('inviting', invited.invite('bob'));
  await bob.hears('channelInvited', ({ sid }) => sid === invited.sid);

  const found = async () => {
    const { items } = await allFrom(await bob.client.getUserChannelDescriptors());
    return Object.fromEntries(items.map(({ sid, status }) => [sid, status]));
  };

  await comesToBe('the list', found, { [joined.sid]: 'joined', [invited.sid]: 'invited' });
});

scenario('a private channel does not exist for those outside of it', async (world) => {
  const [alice, eve] = await world.people('alice', 'eve');
  const secret = await alice.makes({ isPrivate: true, uniqueName: 'secret' });
  same('it is private', secret.isPrivate, true);

  const statuses = GENERATION <= 4 ? undefined : [403, 404];
  for (const search of [
    eve.client.getChannelBySid(secret.sid), eve.client.getChannelByUniqueName('secret'),
  ]) {
    const error = await inTime('an answer', search.then(() => undefined, (thrown) => thrown));
    yes('it is not found', error !== undefined);
    yes(`the status ${error.status} says so`, statuses?.includes(error.status) ?? true);
  }
  const { items } = await allFrom(await eve.client.getPublicChannelDescriptors());
  same('the directory', items, []);
});

scenario('a channel knows its last message', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const general = await alice.makes();
  const seen = await bob.joins(general);

  const first = await general.sendMessage('first');
  const second = await general.sendMessage('second');
  await comesToBe('the last message', async () => seen.lastMessage?.index, second);
  await bob.hears('messageAdded', ({ index }) => index === second); // only what it has can go

  const [last] = (await general.getMessages(1)).items;
  await last.remove();
  await bob.hears('messageRemoved', ({ index }) => index === second);
  await comesToBe('the one before it', async () => (await (await world.person('carol')).finds(general.sid)).lastMessage?.index, first);
});

scenario('a channel counts its members and its messages', async (world) => {
  const [alice, bob] = await world.people('alice', 'bob');
  const [general] = await world.channelOf(alice, bob);
  await general.sendMessage('one');
  await general.sendMessage('two');

  await comesToBe('members', () => general.getMembersCount(), 2);
  await comesToBe('messages', () => general.getMessagesCount(), 2);
});
