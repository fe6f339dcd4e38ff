// Access tokens, made by the official helper library.

import { createRequire } from 'node:module';

import { ACCOUNT_SID, API_KEY_SECRET, API_KEY_SID } from './settings.mjs';

const require = createRequire(new URL('../node/', import.meta.url));
const AccessToken = require('twilio6/lib/jwt/AccessToken');

const AN_HOUR = 3600;

/**
 * Return a token.
 *
 * `seconds` says how long it is good for; `key` is an API key if not our usual one, `grant` what else the grant
 * says, `oldGrant` a grant as helpers of the first years made it.
 */
export function token(identity, service, { seconds = AN_HOUR, key = {}, grant = {}, oldGrant } = {}) {
  const { sid = API_KEY_SID, secret = API_KEY_SECRET } = key;
  const made = new AccessToken(ACCOUNT_SID, sid, secret, { identity, ttl: seconds });
  made.addGrant(oldGrant ?? new AccessToken.ChatGrant({ serviceSid: service, ...grant }));
  return made.toJwt();
}

/** Return the grant under the name that it had first. */
export function ipMessagingGrant(service) {
  const { IpMessagingGrant } = require('twilio3/lib/jwt/AccessToken');
  return new IpMessagingGrant({ serviceSid: service });
}
