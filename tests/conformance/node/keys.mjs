// API keys, and what is said to those who have none.

import { has, refused, say } from './checks.mjs';
import {
  ACCOUNT_SID, API_KEY_SECRET, API_KEY_SID, AUTH_TOKEN, PREPARED_SERVICE_SID, clientOf,
} from './library.mjs';

export async function workToo() {
  say('API keys');
  const services = clientOf(API_KEY_SID, API_KEY_SECRET).chat.v2.services;
  has('the service an API key sees', await services(PREPARED_SERVICE_SID).fetch(), { accountSid: ACCOUNT_SID });
  has('a service an API key makes', await services.create({ friendlyName: 'K' }), { accountSid: ACCOUNT_SID });

  for (const [what, username, password] of [
    ['a wrong API key secret', API_KEY_SID, AUTH_TOKEN],
    ['a wrong auth token', ACCOUNT_SID, '0'.repeat(32)],
  ]) {
    const refusal = clientOf(username, password).chat.v1.services(PREPARED_SERVICE_SID).fetch();
    await refused(what, refusal, 401, 20003, 'Authenticate');
  }
}
