// What an application does with services and roles, through an official library: `node client.mjs twilio6`.
//
// It stops, with a sentence, at the first thing that is not as the original has it. `../test_clients.py` runs
// it with a new account in CHAT_URL, ACCOUNT_SID, AUTH_TOKEN, API_KEY_SID and API_KEY_SECRET.
// `../python_client.py` does the same in Python.

import { createRequire } from 'node:module';
import { inspect, isDeepStrictEqual } from 'node:util';

const require = createRequire(import.meta.url);
const library = process.argv[2];
const twilio = require(library);
const { version } = require(`${library}/package.json`);

const { CHAT_URL, ACCOUNT_SID, AUTH_TOKEN, API_KEY_SID, API_KEY_SECRET } = process.env;

const SERVICE = [
  'sid', 'accountSid', 'friendlyName', 'dateCreated', 'dateUpdated',
  'defaultServiceRoleSid', 'defaultChannelRoleSid', 'defaultChannelCreatorRoleSid',
  'readStatusEnabled', 'reachabilityEnabled', 'typingIndicatorTimeout', 'consumptionReportInterval',
  'limits', 'webhooks', 'preWebhookUrl', 'postWebhookUrl', 'webhookMethod', 'webhookFilters',
  'notifications', 'url', 'links',
];
const ROLE = [
  'sid', 'accountSid', 'serviceSid', 'friendlyName', 'type', 'permissions',
  'dateCreated', 'dateUpdated', 'url',
];

const CHANGES = {
  friendlyName: 'Zürich ☎',
  readStatusEnabled: false,
  reachabilityEnabled: true,
  typingIndicatorTimeout: 7,
  consumptionReportInterval: 12,
  'notifications.newMessage.enabled': true,
  'notifications.newMessage.template': '${USER}: ${MESSAGE}',
  'notifications.addedToChannel.enabled': true,
  'notifications.removedFromChannel.template': 'You left & may come back',
  'notifications.invitedToChannel.enabled': false,
  preWebhookUrl: 'https://example.org/before?a=1&b=2',
  postWebhookUrl: 'https://example.org/after',
  webhookMethod: 'GET',
  webhookFilters: ['onMessageSend', 'onMessageSent', 'onUserUpdated'],
  'webhooks.onMessageSend.url': 'https://example.org/send',
  'webhooks.onMessageSend.method': 'GET',
  'webhooks.onMemberRemoved.url': 'https://example.org/gone',
  'webhooks.onMemberRemoved.method': 'POST',
  'limits.channelMembers': 600,
  'limits.userChannels': 500,
};
const CHANGED = {
  friendlyName: 'Zürich ☎',
  readStatusEnabled: false,
  reachabilityEnabled: true,
  typingIndicatorTimeout: 7,
  consumptionReportInterval: 12,
  notifications: {
    new_message: { enabled: true, template: '${USER}: ${MESSAGE}' },
    added_to_channel: { enabled: true },
    removed_from_channel: { enabled: false, template: 'You left & may come back' },
    invited_to_channel: { enabled: false },
  },
  preWebhookUrl: 'https://example.org/before?a=1&b=2',
  postWebhookUrl: 'https://example.org/after',
  webhookMethod: 'GET',
  webhookFilters: ['onMessageSend', 'onMessageSent', 'onUserUpdated'],
  webhooks: {
    on_message_send: { url: 'https://example.org/send', method: 'GET' },
    on_member_removed: { url: 'https://example.org/gone', method: 'POST' },
  },
  limits: { channel_members: 600, user_channels: 500 },
};

const DEFAULT_ROLES = ['service admin', 'service user', 'channel admin', 'channel user'];

async function main() {
  const client = clientOf(ACCOUNT_SID, AUTH_TOKEN);
  await servicesPage(client);
  const service = await aServiceLives(client);
  await aRoleLives(client, service);
  await defaultRolesCanBeChanged(client, service);
  await rolesPage(client, service);
  await whatIsWrongIsSaid(client, service);
  await anApiKeyWorksToo(service);
  await aServiceDies(client, service);
  say(`twilio-node ${version}: everything is as the original has it`);
}

function clientOf(username, password, options) {
  const client = twilio(username, password, options);
  client.chat.baseUrl = CHAT_URL;
  return client;
}

async function servicesPage(client) {
  say('services page');
  const made = [];
  for (let n = 0; n < 120; n++) {
    made.push((await client.chat.v1.services.create({ friendlyName: `Service ${n}` })).sid);
  }

  await pagesAreWhole('services', client.chat.v1.services, made);
  // A page holds at most 100 services; the library asks for 110.
  same('services, at most 110', sids(await client.chat.v1.services.list({ limit: 110 })), made.slice(0, 110));

  for (const sid of made) {
    same('the answer to a delete', await client.chat.v1.services(sid).remove(), true);
  }
  same('services after all were deleted', await client.chat.v1.services.list(), []);
}

async function aServiceLives(client) {
  say('a service is created');
  const made = await client.chat.v1.services.create({ friendlyName: 'Support' });
  sidOf('IS', 'service.sid', made.sid);
  sidOf('RL', 'service.defaultServiceRoleSid', made.defaultServiceRoleSid);
  sidOf('RL', 'service.defaultChannelRoleSid', made.defaultChannelRoleSid);
  sidOf('RL', 'service.defaultChannelCreatorRoleSid', made.defaultChannelCreatorRoleSid);
  now('service.dateCreated', made.dateCreated);
  const url = `${CHAT_URL}/v1/Services/${made.sid}`;
  has('a new service', made, {
    accountSid: ACCOUNT_SID,
    friendlyName: 'Support',
    dateUpdated: made.dateCreated,
    readStatusEnabled: true,
    reachabilityEnabled: false,
    typingIndicatorTimeout: 5,
    consumptionReportInterval: 10,
    limits: { channel_members: 250, user_channels: 100 },
    webhooks: {},
    preWebhookUrl: null,
    postWebhookUrl: null,
    webhookMethod: null,
    webhookFilters: null,
    notifications: {
      new_message: { enabled: false },
      added_to_channel: { enabled: false },
      removed_from_channel: { enabled: false },
      invited_to_channel: { enabled: false },
    },
    url,
    links: { roles: `${url}/Roles`, users: `${url}/Users`, channels: `${url}/Channels` },
  });
  // Not `made.fetch()`: what 6.2.0 creates or lists does not know its own SID.
  const asMade = await client.chat.v1.services(made.sid).fetch();
  same('the service fetched', shown(asMade, SERVICE), shown(made, SERVICE));

  say('a service is changed');
  const changed = await client.chat.v1.services(made.sid).update(CHANGES);
  has('a changed service', changed, { sid: made.sid, dateCreated: made.dateCreated, ...CHANGED });
  now('service.dateUpdated', changed.dateUpdated);
  const fetched = await client.chat.v1.services(made.sid).fetch();
  same('the changed service fetched', shown(fetched, SERVICE), shown(changed, SERVICE));

  say('what is not sent stays, what is sent empty goes');
  const emptied = await client.chat.v1.services(made.sid).update({
    preWebhookUrl: '',
    webhookFilters: [''],
    'webhooks.onMessageSend.url': '',
    'notifications.newMessage.template': '',
  });
  has('a service after that', emptied, {
    preWebhookUrl: null,
    webhookFilters: null,
    webhooks: { on_member_removed: CHANGED.webhooks.on_member_removed },
    postWebhookUrl: CHANGED.postWebhookUrl,
    webhookMethod: 'GET',
  });
  same('new_message', emptied.notifications.new_message, { enabled: true });
  return emptied.sid;
}

async function aRoleLives(client, service) {
  say('a role is created');
  const roles = client.chat.v1.services(service).roles;
  const permission = ['sendMessage', 'leaveChannel', 'editOwnMessage'];
  const made = await roles.create({ friendlyName: 'guest', type: 'channel', permission });
  sidOf('RL', 'role.sid', made.sid);
  now('role.dateCreated', made.dateCreated);
  has('a new role', made, {
    accountSid: ACCOUNT_SID,
    serviceSid: service,
    friendlyName: 'guest',
    type: 'channel',
    permissions: permission,
    dateUpdated: made.dateCreated,
    url: `${CHAT_URL}/v1/Services/${service}/Roles/${made.sid}`,
  });
  same('the role fetched', shown(await roles(made.sid).fetch(), ROLE), shown(made, ROLE));
  same('names of roles', (await roles.list()).map((role) => role.friendlyName), [...DEFAULT_ROLES, 'guest']);

  say('a role is changed');
  const changed = await roles(made.sid).update({ permission: ['leaveChannel'] });
  has('a changed role', changed, { sid: made.sid, friendlyName: 'guest', permissions: ['leaveChannel'] });
  now('role.dateUpdated', changed.dateUpdated);

  say('a role is deleted');
  same('the answer to a delete', await changed.remove(), true);
  await refused(
    'fetching a deleted role',
    () => roles(made.sid).fetch(),
    [404, 20404, `The requested resource /Services/${service}/Roles/${made.sid} was not found`],
  );
}

async function defaultRolesCanBeChanged(client, service) {
  say('default roles are changed');
  const roles = client.chat.v1.services(service).roles;
  const staff = { friendlyName: 'staff', type: 'deployment', permission: ['createChannel'] };
  const guest = { friendlyName: 'guest', type: 'channel', permission: ['sendMessage'] };
  const deployment = await roles.create(staff);
  const channel = await roles.create(guest);

  const changes = {
    defaultServiceRoleSid: deployment.sid,
    defaultChannelRoleSid: channel.sid,
    defaultChannelCreatorRoleSid: channel.sid,
  };
  has('a service with other default roles', await client.chat.v1.services(service).update(changes), changes);
}

async function rolesPage(client, service) {
  say('roles page');
  const roles = client.chat.v1.services(service).roles;
  const all = sids(await roles.list());
  while (all.length < 120) {
    const role = { friendlyName: `Role ${all.length}`, type: 'channel', permission: ['sendMessage'] };
    all.push((await roles.create(role)).sid);
  }

  await pagesAreWhole('roles', roles, all);
  same('roles, at most 110', sids(await roles.list({ limit: 110 })), all.slice(0, 110));
}

/** Read a list of 120 in every way that the library offers. */
async function pagesAreWhole(what, collection, expected) {
  same(`${what}, each by 50`, await each(collection, { pageSize: 50 }), expected);
  same(`${what}, each, at most 75`, await each(collection, { limit: 75 }), expected.slice(0, 75));
  same(`${what} listed by 50`, sids(await collection.list({ pageSize: 50 })), expected);
  same(`${what} listed`, sids(await collection.list()), expected);
  same(`${what}, at most 75`, sids(await collection.list({ limit: 75 })), expected.slice(0, 75));

  const first = await collection.page({ pageSize: 50 });
  const second = await first.nextPage();
  const third = await second.nextPage();
  same(`the first page of ${what}`, sids(first.instances), expected.slice(0, 50));
  same(`the second page of ${what}`, sids(second.instances), expected.slice(50, 100));
  same(`the third page of ${what}`, sids(third.instances), expected.slice(100));
  same(`the page after the third of ${what}`, third.nextPage(), undefined);
  const beforeThird = await third.previousPage();
  const beforeSecond = await second.previousPage();
  same(`the page before the third of ${what}`, sids(beforeThird.instances), expected.slice(50, 100));
  same(`the page before the second of ${what}`, sids(beforeSecond.instances), expected.slice(0, 50));
  same(`the page before the first of ${what}`, first.previousPage(), undefined);
  const byAddress = await collection.getPage(first.nextPageUrl);
  same(`the second page of ${what} by address`, sids(byAddress.instances), expected.slice(50, 100));
}

function each(collection, options) {
  return new Promise((resolve, reject) => {
    const found = [];
    const done = (error) => (error ? reject(error) : resolve(found));
    collection.each({ ...options, callback: (record) => found.push(record.sid), done });
  });
}

async function whatIsWrongIsSaid(client, service) {
  say('errors are errors');
  const services = client.chat.v1.services;
  const roles = services(service).roles;
  const nobody = 'IS' + '0'.repeat(32);
  const notThere = [404, 20404, `The requested resource /Services/${nobody} was not found`];

  await refused('fetching a service that is not there', () => services(nobody).fetch(), notThere);
  await refused('updating one', () => services(nobody).update({ friendlyName: 'Nobody' }), notThere);
  await refused('deleting one', () => services(nobody).remove(), notThere);
  await refused(
    'listing the roles of one',
    () => services(nobody).roles.list(),
    [404, 20404, `The requested resource /Services/${nobody}/Roles was not found`],
  );
  await refused(
    'a service with a long name',
    () => services.create({ friendlyName: 'x'.repeat(65) }),
    [400, 50003, 'Friendly name too long'],
  );
  await refused(
    'a channel without members',
    () => services(service).update({ 'limits.channelMembers': 0 }),
    [400, 50061, 'Invalid channel members limit format'],
  );
  await refused(
    'a role of no type',
    () => roles.create({ friendlyName: 'guest', type: 'banana', permission: ['sendMessage'] }),
    [400, 50105, 'Invalid role type'],
  );
  await refused(
    'a role without permissions',
    () => roles.create({ friendlyName: 'guest', type: 'channel', permission: [] }),
    [400, 20001, 'Missing required parameter Permission in the post body'],
  );
  await refused(
    'a permission that there is not',
    () => roles.create({ friendlyName: 'guest', type: 'channel', permission: ['fly'] }),
    [400, 50104, 'Permission not found'],
  );
  await refused(
    'a wrong auth token',
    () => clientOf(ACCOUNT_SID, '0'.repeat(32)).chat.v1.services(service).fetch(),
    [401, 20003, 'Authenticate'],
  );
  has('the service after all this', await services(service).fetch(), { limits: CHANGED.limits });
}

async function anApiKeyWorksToo(service) {
  say('an API key works too');
  const client = clientOf(API_KEY_SID, API_KEY_SECRET, { accountSid: ACCOUNT_SID });
  const seen = await client.chat.v1.services(service).fetch();
  const made = await client.chat.v1.services.create({ friendlyName: 'K' });
  has('the service an API key sees', seen, { accountSid: ACCOUNT_SID });
  has('a service an API key makes', made, { accountSid: ACCOUNT_SID });
  await refused(
    'a wrong API key secret',
    () => clientOf(API_KEY_SID, AUTH_TOKEN, { accountSid: ACCOUNT_SID }).chat.v1.services(service).fetch(),
    [401, 20003, 'Authenticate'],
  );
}

async function aServiceDies(client, service) {
  say('a service is deleted');
  same('the answer to a delete', await client.chat.v1.services(service).remove(), true);
  await refused(
    'deleting it again',
    () => client.chat.v1.services(service).remove(),
    [404, 20404, `The requested resource /Services/${service} was not found`],
  );
}

function say(sentence) {
  console.log(sentence);
}

function stop(sentence) {
  console.error(sentence);
  process.exit(1);
}

function same(what, found, expected) {
  if (!isDeepStrictEqual(found, expected)) {
    stop(`${what}:\n  found    ${inspect(found)}\n  expected ${inspect(expected)}`);
  }
}

function has(what, record, expected) {
  for (const [name, value] of Object.entries(expected)) {
    same(`${what}, .${name}`, record[name], value);
  }
}

function sidOf(prefix, what, found) {
  if (!new RegExp(`^${prefix}[0-9a-f]{32}$`).test(found)) {
    stop(`${what} is no SID: ${inspect(found)}`);
  }
}

function now(what, found) {
  if (!(found instanceof Date) || Math.abs(found - Date.now()) > 60_000) {
    stop(`${what} is not now: ${inspect(found)}`);
  }
}

function shown(record, names) {
  return Object.fromEntries(names.map((name) => [name, record[name]]));
}

function sids(records) {
  return records.map((record) => record.sid);
}

async function refused(what, act, [status, code, message]) {
  let error;
  try {
    await act();
  } catch (thrown) {
    error = thrown;
  }
  if (error === undefined) {
    stop(`${what} should fail, and did not`);
  }
  has(what, error, { status, code, message, moreInfo: `https://www.twilio.com/docs/errors/${code}` });
}

await main();
