// Credentials.

import { exactly, has, madeNow, now, pagesAreWhole, refused, same, say, shown, sids } from './checks.mjs';
import { ACCOUNT_SID, CHAT_URL } from './library.mjs';

const PEM = '-----BEGIN CERTIFICATE-----\nMII+/=\n-----END CERTIFICATE-----\n';
const APN = { certificate: PEM, privateKey: PEM };

export async function lives(on) {
  say(`credential, ${on.name}`);
  const credentials = on.chat.credentials;
  const before = sids(await credentials.list());

  const made = await credentials.create({ type: 'apn', ...APN });
  madeNow('a new credential', 'CR', made);
  exactly('a new credential', made, {
    sid: made.sid,
    accountSid: ACCOUNT_SID,
    friendlyName: null,
    type: 'apn',
    sandbox: 'False',
    dateCreated: made.dateCreated,
    dateUpdated: made.dateUpdated,
    url: `${CHAT_URL}/${on.name}/Credentials/${made.sid}`,
  });
  same('the credential fetched', shown(await credentials(made.sid).fetch()), shown(made));

  const everything = { ...APN, apiKey: 'key', secret: 'secret', friendlyName: 'Phones', sandbox: true };
  const mine = [made.sid];
  for (const [type, sandbox] of [['apn', 'True'], ['gcm', null], ['fcm', null]]) {
    const other = await credentials.create({ type, ...everything });
    has('a credential with everything', other, { type, friendlyName: 'Phones', sandbox });
    mine.push(other.sid);
  }
  const changed = await credentials(mine[0]).update(everything);
  has('a changed credential', changed, { sid: mine[0], friendlyName: 'Phones', sandbox: 'True' });
  now('credential.dateUpdated', changed.dateUpdated);
  same('the changed credential fetched', shown(await changed.fetch()), shown(changed));

  mine.push((await credentials.create({ type: 'fcm', secret: 'secret' })).sid);
  await pagesAreWhole('credentials', credentials, [...before, ...mine], 2);

  await refused('a credential without a secret', credentials.create({ type: 'fcm' }), 400, 20001);
  await refused('a credential of no type', credentials.create({ type: 'fax' }), 400, 20001);
  for (const sid of mine) {
    same('the answer to a delete', await credentials(sid).remove(), true);
  }
  await refused('a deleted credential', credentials(mine[0]).fetch(), 404, 20404);
}
