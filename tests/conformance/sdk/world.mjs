// What a scenario has: a service that nobody else uses, REST, and people. All of it is put away at the end.

import { Cable } from './cable.mjs';
import { comesToBe, inTime, yes } from './checks.mjs';
import { Person } from './person.mjs';
import { Rest } from './rest.mjs';
import { BASE } from './settings.mjs';
import { Server } from './server.mjs';
import { token } from './token.mjs';

export class World {
  #put = [];

  /** Make the service, on the server of this run or on one of its own. */
  async isMade(service, ownServer) {
    if (ownServer) {
      this.server = new Server();
      this.#put.push(() => this.server.end('SIGKILL'));
      await this.server.start();
    }
    this.base = this.server?.base ?? BASE;
    this.rest = await Rest.of(service, this.base);
  }

  /** Start the server of one's own again, on the same database and at another address. */
  async restarts() {
    await this.server.start();
    this.base = this.server.base;
    this.rest = new Rest(this.service, this.base);
  }

  get service() {
    return this.rest.service;
  }

  token(identity, given) {
    return token(identity, this.service, given);
  }

  /** Return somebody whose application has been started and need not be ready. */
  starts(identity, { jwt = this.token(identity), cable } = {}) {
    const person = new Person(identity, jwt, cable?.base ?? this.base);
    this.#put.push(() => person.leaves());
    return person;
  }

  /** Return somebody whose application is ready. */
  person(identity, given) {
    return this.starts(identity, given).isReady();
  }

  people(...identities) {
    return Promise.all(identities.map((identity) => this.person(identity)));
  }

  async cable() {
    const cable = await Cable.to(this.base);
    this.#put.push(() => cable.remove());
    return cable;
  }

  /** Make a public channel of people, each of whom sees all the others; return it as each of them has it. */
  async channelOf(...people) {
    const channel = await this.rest.post('Channels', { FriendlyName: 'General' });
    const joined = await Promise.all(people.map((person) => person.joins(channel)));
    await Promise.all(joined.map((one) => comesToBe('how many are there', () => countOf(one), people.length)));
    return joined;
  }

  /**
   * Post a message and wait until these people have it. What happened before it, they have been told of by then,
   * so whatever they have not heard they will not hear.
   */
  async everythingIsTold({ sid }, ...people) {
    const { index } = await this.rest.post(`Channels/${sid}/Messages`, { Body: 'everything is told' });
    await Promise.all(people.map((person) => person.hears('messageAdded', is(sid, index))));
    return index;
  }

  async isPutAway() {
    for (const put of this.#put.reverse()) {
      await inTime('putting away', Promise.resolve(put())).catch(() => {});
    }
  }
}

const countOf = async (channel) => (await channel.getMembers()).length;

/** Whether a message is this one. */
export function is(channelSid, index) {
  return (message) => message.channel.sid === channelSid && message.index === index;
}

/** Return every item from a page on. */
export async function allFrom(first) {
  const items = [...first.items];
  let pages = 1;
  for (let page = first; page.hasNextPage; pages++) {
    yes('there is an end of pages', pages < 100);
    page = await inTime('the next page', page.nextPage());
    items.push(...page.items);
  }
  return { items, pages };
}
