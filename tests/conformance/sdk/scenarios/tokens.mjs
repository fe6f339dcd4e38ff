// Access tokens: what is refused and how, how a token ends, and what is done about it.

import { inTime, same, within, yes } from '../checks.mjs';
import { scenario } from '../scenario.mjs';
import { GENERATION } from '../sdk.mjs';
import { chinwag } from '../server.mjs';
import { ACCOUNT_SID } from '../settings.mjs';
import { ipMessagingGrant, token } from '../token.mjs';
import { is } from '../world.mjs';

/** How long the short tokens of these scenarios are good for, in seconds. */
const SHORT = 8;

/** How long a connection may outlive the key of its token, in milliseconds. */
const REVOKED = 2_000;

/** For how long the SDK waits for its own socket after it was refused, in milliseconds, and some more. */
const CLOSING = 10_000;

async function isDenied(person, errorCode) {
  await person.is('denied');
  if (GENERATION < 6) return; // they say nothing else
  const error = await person.hears('connectionError');
  same('it is terminal', error.terminal, true);
  yes(`401 or 403, not ${error.httpStatusCode}`, [401, 403].includes(error.httpStatusCode));
  same('the error code', error.errorCode, errorCode);
}

scenario('a token that another secret signed is denied', async (world) => {
  const jwt = world.token('mallory', { key: { secret: 'another secret' } });

  await isDenied(world.starts('mallory', { jwt }), 20101);

  same('users', await world.rest.list('Users'), []);
});

scenario('a token for a service that is not there is denied', async (world) => {
  const jwt = token('alice', `IS${'0'.repeat(32)}`);

  await isDenied(world.starts('alice', { jwt }), 20107);
});

scenario('a token that has ended is denied, and the client is told that it has', async (world) => {
  const person = world.starts('alice', { jwt: world.token('alice', { seconds: -60 }) });

  await isDenied(person, 20104);
  if (GENERATION >= 6) await person.hears('tokenExpired'); // the others listen for it from their first login on
});

scenario('a client that was denied connects with another token', async (world) => {
  const person = world.starts('alice', { jwt: world.token('alice', { key: { secret: 'another secret' } }) });
  await person.is('denied');

  person.client.updateToken(world.token('alice')).catch(() => {});

  await person.is('connected');
});

scenario('a token with the grant of the first helper libraries is as good', async (world) => {
  const jwt = world.token('alice', { oldGrant: ipMessagingGrant(world.service) });

  const alice = await world.person('alice', { jwt });

  same('the identity', alice.client.user.identity, 'alice');
});

scenario('a new user gets the role that the token names', async (world) => {
  const role = await world.rest.post('Roles', {
    FriendlyName: 'guest', Type: 'deployment', Permission: 'joinChannel',
  });

  await world.person('alice', { jwt: world.token('alice', { grant: { deploymentRoleSid: role.sid } }) });

  same('the role', (await world.rest.get('Users/alice')).role_sid, role.sid);
});

scenario('before a token ends its client is told, and goes on with another', async (world) => {
  const alice = await world.person('alice', { jwt: world.token('alice', { seconds: SHORT }) });
  await alice.hears('tokenAboutToExpire');
  same('it has ended already', alice.heard('tokenExpired').length, 0);

  await inTime('the new token', alice.client.updateToken(world.token('alice')));
  const general = await alice.makes();
  const since = alice.moment;

  // A second client, with a token as short, shows when the time of the first one is over.
  const bob = await world.person('bob', { jwt: world.token('bob', { seconds: SHORT }) });
  await bob.hears('tokenExpired', undefined, 0, 30_000);
  same('what happened', alice.heard('tokenExpired').length, 0);
  same('changes of connection', alice.heard('connectionStateChanged', undefined, since), []);
  await inTime('a message', general.sendMessage('still here'));
});

scenario('a client whose token ended takes another where it is told, and has missed nothing', async (world) => {
  const alice = await world.person('alice');
  const bob = await world.person('bob', { jwt: world.token('bob', { seconds: SHORT }) });
  const [general] = await world.channelOf(alice, bob);
  const missed = new Promise((resolve) => {
    bob.client.on('tokenExpired', async () => {
      resolve(await general.sendMessage('while nobody could hear'));
      bob.client.updateToken(world.token('bob')).catch(() => {});
    });
  });

  const index = await within(30_000, 'the end of the token', missed);

  await bob.is('connected');
  await bob.hears('messageAdded', is(general.sid, index));
  same('messages', bob.heard('messageAdded', is(general.sid, index)).length, 1);
});

scenario('a token of somebody else is refused to a connected client', async (world) => {
  const alice = await world.person('alice');
  await alice.is('connected');

  const update = alice.client.updateToken(world.token('bob'));

  const refusal = await inTime('an answer', update.then(() => undefined, (error) => error));
  yes('it is refused', refusal !== undefined);
  await alice.is('denied');
});

scenario('a key that is revoked closes its connections at once, and lets nobody in', async (world) => {
  const made = await chinwag('keys', 'create', ACCOUNT_SID);
  const key = { sid: /SK\w{32}/.exec(made)[0], secret: /secret +(\S+)/.exec(made)[1] };
  const alice = await world.person('alice', { jwt: world.token('alice', { key }) });
  await alice.is('connected');

  await chinwag('keys', 'revoke', key.sid);
  const revoked = Date.now();

  await alice.hears('connectionStateChanged', (state) => state !== 'connected', 0, CLOSING);
  const took = Date.now() - revoked;
  yes(`closed within ${REVOKED} ms of the end of the command, not ${took} ms`, took <= REVOKED);
  await alice.is('denied');
  await isDenied(world.starts('alice', { jwt: world.token('alice', { key }) }), 20101);
}, { commandLine: true });

scenario('a key that is revoked ends only what it opened', async (world) => {
  const made = await chinwag('keys', 'create', ACCOUNT_SID);
  const key = { sid: /SK\w{32}/.exec(made)[0], secret: /secret +(\S+)/.exec(made)[1] };
  const alice = await world.person('alice', { jwt: world.token('alice', { key }) });
  const bob = await world.person('bob');
  const general = await bob.makes();
  const since = bob.moment;

  await chinwag('keys', 'revoke', key.sid);
  await alice.is('denied');

  same('changes of the other connection', bob.heard('connectionStateChanged', undefined, since), []);
  await inTime('the other one goes on', general.sendMessage('still here'));
}, { commandLine: true });
