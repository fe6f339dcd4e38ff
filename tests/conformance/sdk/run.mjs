// Every scenario with one generation of the SDK: `node run.mjs twilio-chat-6 'one option' [SCENARIO…]`.
//
// Prints a line of JSON for each as it ends: its name, `outcome` (passed, failed or cannot), the reason, and how
// long it took. `../test_sdk.py` starts it, with the server in its environment (see `settings.mjs`).

import { readdirSync } from 'node:fs';

import { within } from './checks.mjs';
import { about, scenarios } from './scenario.mjs';
import { WANTED } from './settings.mjs';
import { World } from './world.mjs';

/** The longest that a scenario may take, in milliseconds. */
const LONGEST = 90_000;

/** How many go on at the same time: most of what they do is wait. */
const AT_A_TIME = 8;

async function outcomeOf({ cannot, ...scenario }) {
  if (cannot) {
    return { outcome: 'cannot', reason: cannot };
  }
  const world = new World();
  try {
    await within(LONGEST, 'the scenario', shown(world, scenario));
    return { outcome: 'passed' };
  } catch (error) {
    return { outcome: 'failed', reason: reasonOf(error) };
  } finally {
    await world.isPutAway();
  }
}

/** Return why something failed: what the SDK throws knows neither where it was called nor what the server said. */
function reasonOf({ doing, stack, body }) {
  return [doing && `${doing}:`, stack, body && JSON.stringify(body)].filter(Boolean).join('\n');
}

async function shown(world, { show, service, ownServer }) {
  await world.isMade(service, ownServer);
  await show(world);
}

async function oneAfterAnother(waiting) {
  for (let one = waiting.shift(); one; one = waiting.shift()) {
    const began = Date.now();
    const found = await outcomeOf(one);
    console.log(JSON.stringify({ name: one.name, ...found, milliseconds: Date.now() - began }));
  }
}

// The SDK leaves promises of its own alone when a connection ends.
process.on('unhandledRejection', () => {});

const folder = new URL('scenarios/', import.meta.url);
for (const file of readdirSync(folder).filter((name) => name.endsWith('.mjs')).sort()) {
  about(file.replace('.mjs', ''));
  await import(new URL(file, folder));
}

const waiting = scenarios.filter(({ name }) => !WANTED.length || WANTED.includes(name));
await Promise.all(Array.from({ length: AT_A_TIME }, () => oneAfterAnother(waiting)));

// The SDK keeps timers after its end.
process.exit();
