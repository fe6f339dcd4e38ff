// Scenarios: each tells, in a sentence, what an application may rely on, and shows it with people of its own.

import { GENERATION } from './sdk.mjs';
import { ELSEWHERE } from './settings.mjs';

/** Every scenario there is, in the order of the files. */
export const scenarios = [];

let feature;

/** Name the feature that the scenarios which follow belong to. */
export function about(name) {
  feature = name;
}

/**
 * Tell a scenario. `tests/conformance/test_sdk.py` finds it by its first line: `scenario('…'`.
 *
 * `show` is given a world of its own (see `world.mjs`). `service` says how the service of that world differs from
 * a new one; `ownServer` that it needs a server to itself; `commandLine` that it needs `chinwag` beside the server;
 * `unless`, by generation, why an SDK cannot do this whatever the server does: it is then not asked to.
 */
export function scenario(sentence, show, { service, ownServer = false, commandLine = false, unless = {} } = {}) {
  const name = `${feature}: ${sentence}`;
  const beyondTheWire = ELSEWHERE && (ownServer || commandLine) ? 'it takes more than the wire' : undefined;
  scenarios.push({ name, show, service, ownServer, cannot: unless[GENERATION] ?? beyondTheWire });
}
