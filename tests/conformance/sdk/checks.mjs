// What is expected, in words. The first thing that is not true ends its scenario, with a sentence.

import { inspect, isDeepStrictEqual } from 'node:util';

import { ASKS_IN_A_LIST, statusOf } from './sdk.mjs';

/** The longest that one thing may take, in milliseconds. The machine may be busy; nothing waits that long. */
export const PATIENCE = 20_000;

const SOON = 50;

export class NotTrue extends Error {}

export function yes(what, found) {
  if (!found) {
    throw new NotTrue(`not true: ${what}`);
  }
}

export function same(what, found, expected) {
  if (!isDeepStrictEqual(found, expected)) {
    throw new NotTrue(`${what} is ${inspect(found)}, not ${inspect(expected)}`);
  }
}

/** A record has these fields, and may have others. */
export function has(what, record, expected) {
  for (const [name, value] of Object.entries(expected)) {
    same(`${what}.${name}`, record[name], value);
  }
}

export function sidOf(prefix, what, found) {
  yes(`${what} ${inspect(found)} is an ${prefix} SID`, new RegExp(`^${prefix}[0-9a-f]{32}$`).test(found));
}

export function now(what, found) {
  yes(`${what} ${inspect(found)} is now`, found instanceof Date && Math.abs(found - Date.now()) < 120_000);
}

/** Return what a promise gives, in time. An error of it is marked with what was being done. */
export async function within(milliseconds, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new NotTrue(`${what}: not within ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } catch (error) {
    error.doing ??= what;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

export const inTime = (what, promise) => within(PATIENCE, what, promise);

/** Look again and again until something is so, and return it. For what no event tells of. */
export async function eventually(what, look) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    let found;
    try {
      found = await inTime(what, look());
    } catch (error) {
      found = undefined;
      if (Date.now() > deadline) throw error;
    }
    if (found) return found;
    if (Date.now() > deadline) throw new NotTrue(`${what}: not within ${PATIENCE} ms`);
    await new Promise((resume) => setTimeout(resume, SOON));
  }
}

/** Look again and again until something has this value. */
export async function comesToBe(what, look, expected) {
  let found;
  const isSo = async () => isDeepStrictEqual((found = await look()), expected);
  await eventually(what, isSo).catch((error) => {
    throw new NotTrue(`${what} is still ${inspect(found)}, not ${inspect(expected)} (${error.message})`);
  });
}

/**
 * Something is refused with an HTTP status, and a code beside it. Generations up to 4 show no code; and of what
 * they read, not even always a status.
 */
export async function refused(what, promise, status, code) {
  let error;
  try {
    await inTime(what, promise);
  } catch (thrown) {
    error = thrown;
  }
  yes(`${what} is refused`, error !== undefined);
  if (error instanceof NotTrue) throw error;
  same(`the status with which ${what} is refused (${error.message})`, statusOf(error), status);
  if (!ASKS_IN_A_LIST && code !== undefined) {
    same(`the code with which ${what} is refused`, error.body?.code, code);
    same(`the status in that answer`, error.body?.status, status);
  }
  return error;
}
