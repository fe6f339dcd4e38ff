// Identities and unique names that an application may have, and how it has to put them into a path.

/** What the library puts into a path so that it arrives, encoded by it or not. */
export const PLAIN = ['alice@example.com', 'left|right', '1+1', 'two words', 'zoë ☎'];

/** What arrives if the application encodes it. The library puts a path together as it is. */
export const ENCODED = [...PLAIN, 'a/b', 'a#b', 'a?b', '100%', '100%25'];

/** Return a name as an application has to write it where a SID could stand. */
export function inAPath(name) {
  return encodeURIComponent(name);
}
