// What an application does with the SDK, one operation after another, each in a channel of its own. The test
// calls `connect` once and then each operation; whatever throws here fails there.

const PATIENCE_MS = 20000;
const EVENTS = [
  'channelAdded', 'channelInvited', 'channelJoined', 'channelLeft', 'channelRemoved', 'channelUpdated',
  'connectionStateChanged', 'memberJoined', 'memberLeft', 'memberUpdated', 'messageAdded', 'messageRemoved',
  'messageUpdated', 'typingEnded', 'typingStarted', 'userUpdated',
];

let alice;
let bob;
let number = 0;

// A client, and everything that it has reported.
class Person {
  constructor(client) {
    this.client = client;
    this.events = [];
    this.waiting = new Set();
    for (const name of EVENTS) {
      client.on(name, (what) => {
        this.events.push({ name, what });
        for (const look of [...this.waiting]) look();
      });
    }
  }

  all(name, fits = () => true) {
    return this.events.filter((event) => event.name === name && fits(event.what)).map((event) => event.what);
  }

  // The first event of this name that fits, whether it came already or not.
  sees(name, fits = () => true) {
    return new Promise((resolve, reject) => {
      const seen = this.events.map((event) => event.name).join(' ');
      const timer = setTimeout(() => reject(new Error(`never saw ${name}; saw ${seen}`)), PATIENCE_MS);
      const look = () => {
        const [found] = this.all(name, fits);
        if (found === undefined) return;
        clearTimeout(timer);
        this.waiting.delete(look);
        resolve(found);
      };
      this.waiting.add(look);
      look();
    });
  }
}

async function connect(people) {
  [alice, bob] = await Promise.all(people.map(async ({ token, socket }) => {
    return new Person(await Twilio.Chat.Client.create(token, { Twilsock: { uri: socket } }));
  }));
  return { version: Twilio.Chat.Client.version, identities: [alice, bob].map((person) => person.client.user.identity) };
}

function equal(found, expected) {
  const [a, b] = [found, expected].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`found ${a}, expected ${b}`);
}

async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was not refused');
}

// A channel with both of them in it, as each of them sees it.
async function together() {
  const uniqueName = `together-${number += 1}-${Math.random()}`;
  const hers = await alice.client.createChannel({ uniqueName });
  await hers.join();
  await alice.sees('channelJoined', (channel) => channel.sid === hers.sid);
  await hers.getMembers();
  const his = await bob.client.getChannelByUniqueName(uniqueName);
  await his.join();
  await bob.sees('channelJoined', (channel) => channel.sid === hers.sid);
  await alice.sees('memberJoined', (member) => member.channel.sid === hers.sid && member.identity === 'bob');
  await his.getMessages();
  await his.getMembers();
  return { hers, his, of: (what) => (what.channel ?? what).sid === hers.sid };
}

const operations = {
  async 'a channel is created and found'() {
    const made = await alice.client.createChannel({
      uniqueName: 'lobby', friendlyName: 'Lobby', attributes: { topic: 'zoë' },
    });
    const found = await bob.client.getChannelByUniqueName('lobby');
    equal([found.sid, found.friendlyName, found.attributes, found.createdBy],
      [made.sid, 'Lobby', { topic: 'zoë' }, 'alice']);
    equal((await bob.client.getChannelBySid(made.sid)).uniqueName, 'lobby');
    await refused(bob.client.createChannel({ uniqueName: 'lobby' }));
  },

  async 'the other sees who joins and who leaves'() {
    const { hers, his, of } = await together();
    equal((await hers.getMembers()).map((member) => member.identity).sort(), ['alice', 'bob']);
    await his.leave();
    equal((await alice.sees('memberLeft', of)).identity, 'bob');
    await bob.sees('channelLeft', of);
  },

  async 'a message arrives once, with its attributes'() {
    const { hers, his, of } = await together();
    const index = await hers.sendMessage('Hello 😀', { mood: ['good'] });
    const message = await bob.sees('messageAdded', of);
    equal([message.index, message.author, message.body, message.attributes], [index, 'alice', 'Hello 😀', { mood: ['good'] }]);
    await his.sendMessage('and back');
    await alice.sees('messageAdded', (back) => of(back) && back.author === 'bob');
    equal(bob.all('messageAdded', of).map((each) => each.body), ['Hello 😀', 'and back']);
  },

  async 'a history is read page by page'() {
    const { hers, his } = await together();
    for (let sent = 0; sent < 7; sent += 1) await hers.sendMessage(`${sent}`);
    const last = await his.getMessages(3);
    equal([last.items.map((message) => message.body), last.hasPrevPage], [['4', '5', '6'], true]);
    const before = await last.prevPage();
    equal(before.items.map((message) => message.body), ['1', '2', '3']);
    equal((await before.prevPage()).items.map((message) => message.body), ['0']);
  },

  async 'a message is edited'() {
    const { hers, of } = await together();
    await hers.sendMessage('Helo');
    const mine = await alice.sees('messageAdded', of);
    await bob.sees('messageAdded', of);
    await mine.updateBody('Hello');
    await mine.updateAttributes({ edited: true });
    const { message } = await bob.sees('messageUpdated', (update) => of(update.message) && update.message.attributes.edited);
    equal([message.body, message.attributes], ['Hello', { edited: true }]);
  },

  async 'a message is removed'() {
    const { hers, of } = await together();
    const index = await hers.sendMessage('Oops');
    await bob.sees('messageAdded', of);
    await (await alice.sees('messageAdded', of)).remove();
    equal((await bob.sees('messageRemoved', of)).index, index);
    equal((await hers.getMessages()).items.length, 0);
  },

  async 'somebody is typing, and then no more'() {
    const { hers, of } = await together();
    await hers.sendMessage('wait until he follows');
    await bob.sees('messageAdded', of);
    await hers.typing();
    equal((await bob.sees('typingStarted', of)).identity, 'alice');
    await hers.sendMessage('that was it');
    equal((await bob.sees('typingEnded', of)).identity, 'alice');
    equal(alice.all('typingStarted', of).length, 0);
  },

  async 'the read horizon of one is seen by the other'() {
    const { hers, his, of } = await together();
    const index = await hers.sendMessage('read this');
    await bob.sees('messageAdded', of);
    await his.setAllMessagesConsumed();
    const { member } = await alice.sees('memberUpdated', (update) => of(update.member)
      && update.updateReasons.includes('lastConsumedMessageIndex'));
    equal([member.identity, member.lastConsumedMessageIndex], ['bob', index]);
    await hers.sendMessage('and this');
    await bob.sees('messageAdded', (message) => of(message) && message.index > index);
    equal(await his.getUnconsumedMessagesCount(), 1);
  },

  async 'a user changes their name and attributes'() {
    const seen = await bob.client.getUser('alice');
    await alice.client.user.updateFriendlyName('Alice from sales');
    await alice.client.user.updateAttributes({ colour: 'teal' });
    await bob.sees('userUpdated', ({ user }) => user.identity === 'alice' && user.attributes.colour === 'teal');
    equal([seen.friendlyName, seen.attributes], ['Alice from sales', { colour: 'teal' }]);
  },

  async 'who is online is known'() {
    equal(alice.client.reachabilityEnabled, true);
    equal((await bob.client.getUser('alice')).online, true);
  },

  async 'a file is sent from a form and fetched by its temporary address'() {
    const { hers, of } = await together();
    const form = new FormData();
    form.append('file', new Blob(['Bring milk, zoë'], { type: 'text/plain' }), 'shopping list.txt');
    const index = await hers.sendMessage(form);
    const message = await bob.sees('messageAdded', of);
    const { media } = message;
    equal([message.index, message.type, media.filename, media.contentType.split(';')[0], media.size],
      [index, 'media', 'shopping list.txt', 'text/plain', 16]);
    const answer = await fetch(await media.getContentTemporaryUrl());
    equal(await answer.text(), 'Bring milk, zoë');
  },

  async 'a picture is sent as it is and shown'() {
    const { hers, of } = await together();
    const canvas = Object.assign(document.createElement('canvas'), { width: 40, height: 30 });
    const blob = await new Promise((resolve) => canvas.toBlob(resolve));
    await hers.sendMessage({ contentType: 'image/png', media: blob });
    const { media } = await bob.sees('messageAdded', of);
    const picture = new Image();
    picture.src = await media.getContentTemporaryUrl();
    await picture.decode();
    equal([media.contentType, media.size, picture.naturalWidth], ['image/png', blob.size, 40]);
  },

  async 'somebody is added to a private channel, and removed'() {
    const secret = await alice.client.createChannel({ isPrivate: true });
    await secret.join();
    await refused(bob.client.getChannelBySid(secret.sid));
    await secret.add('bob');
    await bob.sees('channelJoined', (channel) => channel.sid === secret.sid);
    await secret.removeMember('bob');
    await bob.sees('channelLeft', (channel) => channel.sid === secret.sid);
  },

  async 'a channel is renamed and deleted'() {
    const { hers, his, of } = await together();
    await hers.updateFriendlyName('Renamed');
    await bob.sees('channelUpdated', (update) => of(update.channel) && update.updateReasons.includes('friendlyName'));
    equal(his.friendlyName, 'Renamed');
    await hers.delete();
    await bob.sees('channelRemoved', of);
    equal(bob.all('channelRemoved', of).length, 1);
  },
};

// Being cut off is told in three steps, between which the test pulls the cable and puts it back.
const away = {
  async begins() {
    this.place = await together();
    await this.place.hers.sendMessage('before');
    await bob.sees('messageAdded', this.place.of);
  },

  async lasts() {
    await bob.sees('connectionStateChanged', (state) => state !== 'connected' && bob.client.connectionState !== 'connected');
    for (const body of ['during 1', 'during 2']) await this.place.hers.sendMessage(body);
    await this.place.hers.updateFriendlyName('While you were away');
  },

  async ends() {
    const { hers, his, of } = this.place;
    await bob.sees('channelUpdated', (update) => of(update.channel) && update.channel.friendlyName === 'While you were away');
    await hers.sendMessage('after');
    await bob.sees('messageAdded', (message) => of(message) && message.body === 'after');
    equal(bob.all('messageAdded', of).map((message) => message.body), ['before', 'during 1', 'during 2', 'after']);
    equal(his.friendlyName, 'While you were away');
  },
};
