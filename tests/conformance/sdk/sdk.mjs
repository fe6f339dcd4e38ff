// The SDK, unmodified, as npm has it; and what one generation of it calls otherwise than another.

import { createRequire } from 'node:module';

import { BASE, PACKAGE, REDIRECT } from './settings.mjs';

export const { Client } = createRequire(import.meta.url)(PACKAGE);

export const GENERATION = Number.parseInt(Client.version, 10);

/** Generations that ask for everything in a list of commands, and answer with it: up to 4. */
export const ASKS_IN_A_LIST = GENERATION <= 4;

/** The word for the state of a channel that its user has no part in. */
export const NO_PART = GENERATION === 3 ? 'known' : 'notParticipating';

const SOCKET = '/v3/wsconnect';

/** How an application points the SDK at a server: with the one option that it needs, or with every option. */
export function options(base = BASE) {
  const socket = base.replace(/^http/, 'ws') + SOCKET;
  if (REDIRECT === 'one option') {
    return { Twilsock: { uri: socket } };
  }
  return {
    Chat: { apiUri: base },
    cdsUri: base,
    Sync: { cdsUri: base },
    twilsock: { uri: socket },
    notifications: { ersUrl: `${base}/v1/registrations` },
  };
}

/** When a message was made. */
export function madeAt(message) {
  return message.dateCreated ?? message.timestamp;
}

/** The HTTP status that a refusal carries. */
export function statusOf(error) {
  return error.status ?? error.code;
}
