// The REST API of one service, as the back end of an application uses it.

import { ACCOUNT_SID, AUTH_TOKEN, BASE } from './settings.mjs';
import { inTime } from './checks.mjs';

const AUTHORIZATION = `Basic ${Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')}`;

export class Rest {
  constructor(service, base = BASE) {
    this.service = service;
    this.base = base;
  }

  /** Make a service, changed as asked, and return the API of it. */
  static async of(changes = {}, base = BASE) {
    const outside = new Rest('', base);
    const { sid } = await outside.#asked('POST', '/v2/Services', { FriendlyName: 'Scenario' });
    if (Object.keys(changes).length) {
      await outside.#asked('POST', `/v2/Services/${sid}`, changes);
    }
    return new Rest(sid, base);
  }

  /** `await rest.get('Channels/general')` */
  get(path = '') {
    return this.#asked('GET', this.#path(path));
  }

  /** `await rest.post('Channels', { FriendlyName: 'General' })`; a value may be a list. */
  post(path, parameters = {}) {
    return this.#asked('POST', this.#path(path), parameters);
  }

  /** Make something that belongs to the account: `await rest.ofAccount('Credentials', { Type: 'fcm', … })` */
  ofAccount(path, parameters) {
    return this.#asked('POST', `/v2/${path}`, parameters);
  }

  delete(path) {
    return this.#asked('DELETE', this.#path(path));
  }

  /** Return the first hundred records of a list. */
  async list(path) {
    const page = await this.get(`${path}?PageSize=100`);
    return page[page.meta.key];
  }

  /** Return the status of what is asked for. */
  async statusOf(path) {
    return (await this.#sent('GET', this.#path(path))).status;
  }

  #path(path) {
    return `/v2/Services/${this.service}${path && `/${path}`}`;
  }

  async #asked(method, path, parameters) {
    const answer = await this.#sent(method, path, parameters);
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    }
    return text && JSON.parse(text);
  }

  #sent(method, path, parameters) {
    const headers = { Authorization: AUTHORIZATION };
    const body = parameters && new URLSearchParams(
      Object.entries(parameters).flatMap(([name, value]) => [value].flat().map((one) => [name, one])),
    );
    return inTime(`${method} ${path}`, fetch(this.base + path, { method, headers, body }));
  }
}
