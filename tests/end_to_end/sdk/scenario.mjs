// Scenarios: each tells, in a sentence, what an application may rely on, and shows it with people of its own.

import { GENERATION } from './sdk.mjs';

/** Every scenario there is, in the order of the files. */
export const scenarios = [];

let feature;

/** Name the feature that the scenarios which follow belong to. */
export function about(name) {
  feature = name;
}

/**
 * Tell a scenario. `tests/end_to_end/test_sdk.py` finds it by its first line: `scenario('…'`.
 *
 * `show` is given a world of its own (see `world.mjs`). `service` says how the service of that world differs from
 * a new one; `ownServer` that it needs a server to itself; `unless`, by generation, why an SDK cannot do this
 * whatever the server does: it is then not asked to.
 */
export function scenario(sentence, show, { service, ownServer = false, unless = {} } = {}) {
  const name = `${feature}: ${sentence}`;
  scenarios.push({ name, show, service, ownServer, cannot: unless[GENERATION] });
}
