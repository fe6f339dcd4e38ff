// An official library, watched: what it really asked of the server, and was given, is noted, so that nobody has
// to claim it.

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const name = process.argv[2];
const twilio = require(name);
const RequestClient = require(`${name}/lib/base/RequestClient`);

export const { version } = require(`${name}/package.json`);

export const {
  CHAT_URL, ACCOUNT_SID, AUTH_TOKEN, API_KEY_SID, API_KEY_SECRET, RECORD,
  // A service with what REST cannot make: bindings of two users, and a file.
  PREPARED_SERVICE_SID, MEDIA_SID,
} = process.env;

const WEBHOOKS = 'X-Twilio-Webhook-Enabled';

/** The operations that were done with success, each with the parameters that went with it. */
const done = new Map();

/** The library's own way to speak HTTP, watched. */
const http = new RequestClient();
const watched = {
  request: async (options) => {
    const response = await http.request(options);
    note(response.statusCode, options);
    return response;
  },
};

function note(status, { method, uri, params = {}, data = {}, headers = {} }) {
  if (status < 200 || status >= 300) return;
  const address = new URL(uri);
  const operation = `${method.toUpperCase()} ${template(address.pathname)}`;
  const items = done.get(operation) ?? done.set(operation, new Set()).get(operation);
  for (const parameter of [...Object.keys(params), ...address.searchParams.keys()]) {
    items.add(`query ${parameter}`);
  }
  for (const parameter of Object.keys(data)) items.add(`form ${parameter}`);
  if (WEBHOOKS in headers) items.add(`header ${WEBHOOKS}`);
}

/** `/v1/Services/IS…/Roles` → `/v1/Services/{}/Roles`: every second segment names something. */
function template(path) {
  const [api, ...segments] = path.split('/').slice(1);
  return ['', api, ...segments.map((segment, n) => (n % 2 ? '{}' : segment))].join('/');
}

export function recorded() {
  return Object.fromEntries([...done].sort().map(([operation, items]) => [operation, [...items].sort()]));
}

export function clientOf(username = ACCOUNT_SID, password = AUTH_TOKEN) {
  const client = twilio(username, password, { accountSid: ACCOUNT_SID, httpClient: watched });
  client.chat.baseUrl = CHAT_URL;
  return client;
}

/** A version of the API, in a service: its name, the library's entry to it, and the SID of the service. */
export class Version {
  constructor(name) {
    this.name = name;
    this.chat = clientOf().chat[name];
  }

  get v2() {
    return this.name === 'v2';
  }

  /** The service, by the library's name. */
  get here() {
    return this.chat.services(this.service);
  }

  get url() {
    return `${CHAT_URL}/${this.name}/Services/${this.service}`;
  }

  /** Return parameters, or fields, that v1 does not have. */
  sinceV2(parameters) {
    return this.v2 ? parameters : {};
  }
}
