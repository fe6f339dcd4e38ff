// Sentences about what the library found. The first that is not true ends the program.

import { inspect, isDeepStrictEqual } from 'node:util';

export function say(sentence) {
  console.log(sentence);
}

export function stop(sentence) {
  console.error(sentence);
  process.exit(1);
}

export function same(what, found, expected) {
  if (!isDeepStrictEqual(found, expected)) {
    stop(`${what}:\n  found    ${inspect(found)}\n  expected ${inspect(expected)}`);
  }
}

export function has(what, record, expected) {
  for (const [name, value] of Object.entries(expected)) {
    same(`${what}, .${name}`, record[name], value);
  }
}

/** A record has these fields and no others. */
export function exactly(what, record, expected) {
  same(`${what}, its fields`, Object.keys(shown(record)).sort(), Object.keys(expected).sort());
  has(what, record, expected);
}

/** Return every field of a record. */
export function shown(record) {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !name.startsWith('_')));
}

export function sidOf(prefix, what, found) {
  if (!new RegExp(`^${prefix}[0-9a-f]{32}$`).test(found)) {
    stop(`${what} is no SID: ${inspect(found)}`);
  }
}

export function now(what, found) {
  if (!(found instanceof Date) || Math.abs(found - Date.now()) > 120_000) {
    stop(`${what} is not now: ${inspect(found)}`);
  }
}

/** A record has a SID of its own and was made now. */
export function madeNow(what, prefix, record) {
  sidOf(prefix, `${what}, .sid`, record.sid);
  now(`${what}, .dateCreated`, record.dateCreated);
  same(`${what}, .dateUpdated`, record.dateUpdated, record.dateCreated);
}

export function sids(records) {
  return records.map((record) => record.sid);
}

export async function refused(what, done, status, code, message) {
  let error;
  try {
    await done;
  } catch (thrown) {
    error = thrown;
  }
  if (error === undefined) {
    stop(`${what} should fail, and did not`);
  }
  has(what, error, { status, code, moreInfo: `https://www.twilio.com/docs/errors/${code}` });
  if (message !== undefined) {
    same(`${what}, .message`, error.message, message);
  }
}

/** Read a list of three pages or more in every way that the library offers. */
export async function pagesAreWhole(what, collection, expected, size, { by = 'sid', ...filters } = {}) {
  const found = (records) => records.map((record) => record[by]);
  const listed = async (options) => found(await collection.list({ ...filters, ...options }));
  const pages = [];
  for (let start = 0; start < expected.length; start += size) {
    pages.push(expected.slice(start, start + size));
  }
  same(`${what}: enough to page`, pages.length > 2, true);
  const most = size + 1;

  const each = async (options) => found(await eachOf(collection, { ...filters, ...options }));
  same(`${what}, each by ${size}`, await each({ pageSize: size }), expected);
  same(`${what}, each, at most ${most}`, await each({ limit: most }), expected.slice(0, most));
  same(`${what} listed by ${size}`, await listed({ pageSize: size }), expected);
  same(`${what} listed`, await listed({}), expected);
  same(`${what}, at most ${most}`, await listed({ limit: most }), expected.slice(0, most));

  let page = await collection.page({ ...filters, pageSize: size });
  const second = page.nextPageUrl;
  let last;
  for (const [n, there] of pages.entries()) {
    same(`page ${n} of ${what}`, found(page.instances), there);
    last = page;
    page = await page.nextPage();
  }
  same(`the page after the last of ${what}`, page, undefined);
  for (let n = pages.length - 2; n >= 0; n--) {
    last = await last.previousPage();
    same(`page ${n} of ${what}, from behind`, found(last.instances), pages[n]);
  }
  same(`the page before the first of ${what}`, last.previousPage(), undefined);
  const byAddress = await collection.getPage(second);
  same(`the second page of ${what} by its address`, found(byAddress.instances), pages[1]);
  const third = await collection.page({ ...filters, pageNumber: 2, pageSize: size });
  same(`the third page of ${what} by its number`, found(third.instances), pages[2]);
}

function eachOf(collection, options) {
  return new Promise((resolve, reject) => {
    const found = [];
    const done = (error) => (error ? reject(error) : resolve(found));
    collection.each({ ...options, callback: (record) => found.push(record), done });
  });
}
