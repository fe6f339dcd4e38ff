// What an application does, through an official library: `node client.mjs twilio6`.
//
// It stops, with a sentence, at the first thing that is not as the original has it. `../test_clients.py` runs
// it with a new account in its environment (see `library.mjs`), and reads in the file RECORD which operations
// were done. `../python/client.py` does the same in Python.

import { writeFileSync } from 'node:fs';

import * as binding from './binding.mjs';
import * as channel from './channel.mjs';
import * as channelWebhook from './channel_webhook.mjs';
import * as credential from './credential.mjs';
import * as invite from './invite.mjs';
import * as keys from './keys.mjs';
import * as member from './member.mjs';
import * as message from './message.mjs';
import * as role from './role.mjs';
import * as service from './service.mjs';
import * as user from './user.mjs';
import * as userChannel from './user_channel.mjs';
import { say } from './checks.mjs';
import { RECORD, Version, recorded, version } from './library.mjs';

const NOUNS = { role, user, channel, member, invite, message, userChannel };

async function main() {
  for (const name of ['v1', 'v2']) {
    const on = new Version(name);
    await service.lives(on);
    await credential.lives(on);
    on.service = (await on.chat.services.create({ friendlyName: 'Support' })).sid;
    for (const [what, noun] of Object.entries(NOUNS)) {
      say(`${what}, ${name}`);
      await noun.lives(on);
    }
    if (on.v2) {
      await channelWebhook.lives(on);
      await binding.lives(on);
    }
    await service.dies(on);
  }
  await keys.workToo();
  writeFileSync(RECORD, JSON.stringify(recorded()));
  say(`twilio-node ${version}: everything is as the original has it`);
}

await main();
