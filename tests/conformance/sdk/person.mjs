// Somebody who has an application with the SDK in front of them, and remembers everything that it told.

import { NotTrue, inTime, within, PATIENCE, yes } from './checks.mjs';
import { Client, GENERATION, options } from './sdk.mjs';

const EVENTS = [
  'channelAdded', 'channelInvited', 'channelJoined', 'channelLeft', 'channelRemoved', 'channelUpdated',
  'memberJoined', 'memberLeft', 'memberUpdated',
  'messageAdded', 'messageRemoved', 'messageUpdated',
  'typingStarted', 'typingEnded',
  'userSubscribed', 'userUnsubscribed', 'userUpdated',
  'tokenAboutToExpire', 'tokenExpired',
  'connectionError', 'connectionStateChanged', 'stateChanged',
];

export class Person {
  #told = [];
  #listeners = new Set();

  constructor(identity, token, base) {
    this.identity = identity;
    this.client = new Client(token, options(base));
    for (const event of EVENTS) {
      this.client.on(event, (value) => this.#hear({ event, value }));
    }
    if (GENERATION < 6) {
      this.started = this.client.initialize();
      this.started.catch(() => {});
    }
  }

  /** The end of what was told so far: give it to `hears` or `heard` to leave out what was told before. */
  get moment() {
    return this.#told.length;
  }

  /** Return everything that was told of an event. */
  heard(event, matching = () => true, since = 0) {
    return this.#told.slice(since).filter((one) => suits(one, event, matching)).map(({ value }) => value);
  }

  /** Wait until an event is told, unless it was already, and return what it told. */
  async hears(event, matching = () => true, since = 0, patience = PATIENCE) {
    const found = this.#told.slice(since).find((one) => suits(one, event, matching));
    if (found) return found.value;

    let listener;
    const told = new Promise((resolve) => {
      listener = (one) => suits(one, event, matching) && resolve(one.value);
      this.#listeners.add(listener);
    });
    try {
      return await within(patience, event, told);
    } catch {
      const heard = new Set(this.#told.slice(since).map((one) => one.event));
      throw new NotTrue(
        `${this.identity} did not hear ${event} where ${matching} within ${patience} ms; `
        + `heard: ${[...heard].join(', ') || 'nothing'}`,
      );
    } finally {
      this.#listeners.delete(listener);
    }
  }

  /** Wait until the application may be used. */
  async isReady() {
    if (GENERATION < 6) {
      await inTime(`${this.identity} is ready`, this.started);
      return this;
    }
    const state = await this.hears('stateChanged');
    const errors = JSON.stringify(this.heard('connectionError'));
    yes(`${this.identity} is initialized, not ${state} ${errors}`, state === 'initialized');
    return this;
  }

  /** Make a channel, join it and look at it. */
  async makes(channel = {}) {
    const made = await inTime(`${this.identity} makes a channel`, this.client.createChannel(channel));
    return this.joins(made);
  }

  /** Join a channel and look at it, so that everything that happens in it from now on is told. */
  async joins({ sid }) {
    const channel = await this.finds(sid);
    if (channel.status !== 'joined') {
      await inTime(`${this.identity} joins`, channel.join());
    }
    return this.looksAt(channel);
  }

  /** Wait until a channel is joined, and read its members and its last message: only then are they told of. */
  async looksAt({ sid }) {
    await this.hears('channelJoined', (channel) => channel.sid === sid);
    const channel = await this.finds(sid);
    await inTime(`${this.identity} reads the members`, channel.getMembers());
    await inTime(`${this.identity} reads the last message`, channel.getMessages(1));
    return channel;
  }

  finds(sid) {
    return inTime(`${this.identity} finds ${sid}`, this.client.getChannelBySid(sid));
  }

  /** Return the messages of a channel, as this application has them: at most a hundred. */
  async reads({ sid }) {
    const channel = await this.finds(sid);
    return (await inTime(`${this.identity} reads`, channel.getMessages(100))).items;
  }

  /** Wait until the connection has a state. */
  async is(state, since = 0) {
    if (this.client.connectionState !== state) {
      await this.hears('connectionStateChanged', (changed) => changed === state, since, 2 * PATIENCE);
    }
  }

  async leaves() {
    await inTime(`${this.identity} shuts down`, this.client.shutdown());
  }

  #hear(one) {
    this.#told.push(one);
    for (const listener of [...this.#listeners]) listener(one);
  }
}

function suits({ event, value }, wanted, matching) {
  try {
    return event === wanted && Boolean(matching(value));
  } catch {
    return false; // it tells of something else
  }
}
