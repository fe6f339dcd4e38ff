// Services.

import {
  exactly, has, madeNow, now, pagesAreWhole, refused, same, say, shown, sidOf, sids,
} from './checks.mjs';
import { ACCOUNT_SID } from './library.mjs';

const EVENTS = [
  'messageSend', 'messageUpdate', 'messageRemove', 'messageSent', 'messageUpdated', 'messageRemoved',
  'channelAdd', 'channelDestroy', 'channelUpdate', 'channelAdded', 'channelDestroyed', 'channelUpdated',
  'memberAdd', 'memberRemove', 'memberAdded', 'memberRemoved',
];
const NOTIFICATIONS = ['newMessage', 'addedToChannel', 'removedFromChannel', 'invitedToChannel'];
const NOBODY = 'IS' + '0'.repeat(32);

export async function lives(on) {
  say(`service, ${on.name}`);
  await pages(on);
  const made = await isCreated(on);
  await isChanged(on, made);
  await hasOtherDefaultRoles(on, made.sid);
  await whatIsWrongIsSaid(on, made.sid);
  same('the answer to a delete', await on.chat.services(made.sid).remove(), true);
}

/** A service with much in it. */
export async function dies(on) {
  same('the answer to a delete', await on.here.remove(), true);
  const gone = `The requested resource /Services/${on.service} was not found`;
  await refused('deleting it again', on.here.remove(), 404, 20404, gone);
  await refused(
    'its channels', on.here.channels.list(), 404, 20404,
    `The requested resource /Services/${on.service}/Channels was not found`,
  );
}

async function pages(on) {
  const services = on.chat.services;
  const before = sids(await services.list());
  const made = [];
  for (let n = 0; n < 5; n++) {
    made.push((await services.create({ friendlyName: `Service ${n}` })).sid);
  }

  await pagesAreWhole('services', services, [...before, ...made], 2);

  for (const sid of made) {
    same('the answer to a delete', await services(sid).remove(), true);
  }
  same('services after all were deleted', sids(await services.list()), before);
}

async function isCreated(on) {
  const made = await on.chat.services.create({ friendlyName: 'Support' });
  madeNow('a new service', 'IS', made);
  for (const name of ['Service', 'Channel', 'ChannelCreator']) {
    sidOf('RL', `default${name}RoleSid`, made[`default${name}RoleSid`]);
  }
  on.service = made.sid;
  exactly('a new service', made, {
    sid: made.sid,
    accountSid: ACCOUNT_SID,
    friendlyName: 'Support',
    dateCreated: made.dateCreated,
    dateUpdated: made.dateUpdated,
    defaultServiceRoleSid: made.defaultServiceRoleSid,
    defaultChannelRoleSid: made.defaultChannelRoleSid,
    defaultChannelCreatorRoleSid: made.defaultChannelCreatorRoleSid,
    readStatusEnabled: true,
    reachabilityEnabled: false,
    typingIndicatorTimeout: 5,
    consumptionReportInterval: 10,
    limits: { channel_members: 250, user_channels: 100 },
    preWebhookUrl: null,
    postWebhookUrl: null,
    webhookMethod: on.v2 ? 'POST' : null,
    webhookFilters: null,
    notifications: notifications(on, NOTIFICATIONS.map((kind) => [kind, { enabled: false }])),
    url: on.url,
    links: {
      roles: `${on.url}/Roles`,
      users: `${on.url}/Users`,
      channels: `${on.url}/Channels`,
      ...on.sinceV2({ bindings: `${on.url}/Bindings` }),
    },
    ...onlyOfV1(on, { webhooks: {} }),
    ...on.sinceV2({
      preWebhookRetryCount: 0,
      postWebhookRetryCount: 0,
      media: { size_limit_mb: 150, compatibility_message: 'Media messages are not supported' },
    }),
  });
  // Not `made.fetch()`: what 6.2.0 creates or lists does not know its own SID.
  same('the service fetched', shown(await on.chat.services(made.sid).fetch()), shown(made));
  return made;
}

/** Return `notifications` as a version shows them. */
function notifications(on, ofBoth, log = false, badge = false) {
  const found = Object.fromEntries(ofBoth.map(([kind, said]) => [snake(kind), { ...said }]));
  if (on.v2) {
    found.new_message.badge_count_enabled = badge;
    found.log_enabled = log;
  }
  return found;
}

function onlyOfV1(on, parameters) {
  return on.v2 ? {} : parameters;
}

/** `messageSend` → `message_send`. */
function snake(name) {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

async function isChanged(on, made) {
  const changes = {
    friendlyName: 'Zürich ☎',
    readStatusEnabled: false,
    reachabilityEnabled: true,
    typingIndicatorTimeout: 7,
    consumptionReportInterval: 12,
    preWebhookUrl: 'https://example.org/before?a=1&b=2',
    postWebhookUrl: 'https://example.org/after',
    webhookMethod: 'GET',
    webhookFilters: ['onMessageSend', 'onMessageSent', 'onUserUpdated'],
    ...on.sinceV2({ preWebhookRetryCount: 1, postWebhookRetryCount: 3 }),
  };
  const pushed = NOTIFICATIONS.map((kind) => [
    kind, { enabled: true, template: `${kind} & \${USER}`, ...on.sinceV2({ sound: `${kind}.aiff` }) },
  ]);
  const asked = {};
  for (const [kind, said] of pushed) {
    for (const [name, value] of Object.entries(said)) asked[`notifications.${kind}.${name}`] = value;
  }
  const targets = {};
  for (const event of EVENTS) {
    const target = { url: `https://example.org/${event}`, method: event.includes('d') ? 'GET' : 'POST' };
    const name = `on${event[0].toUpperCase()}${event.slice(1)}`;
    targets[snake(name)] = target;
    if (!on.v2) {
      asked[`webhooks.${name}.url`] = target.url;
      asked[`webhooks.${name}.method`] = target.method;
    }
  }

  const services = on.chat.services;
  const changed = await services(made.sid).update({
    ...changes,
    ...asked,
    ...on.sinceV2({
      'notifications.newMessage.badgeCountEnabled': true,
      'notifications.logEnabled': true,
      'media.compatibilityMessage': 'A file: please update',
    }),
    'limits.channelMembers': 600,
    'limits.userChannels': 500,
  });

  has('a changed service', changed, { sid: made.sid, dateCreated: made.dateCreated, ...changes });
  now('service.dateUpdated', changed.dateUpdated);
  has('a changed service', changed, {
    limits: { channel_members: 600, user_channels: 500 },
    notifications: notifications(on, pushed, true, true),
    ...onlyOfV1(on, { webhooks: targets }),
    ...on.sinceV2({ media: { size_limit_mb: 150, compatibility_message: 'A file: please update' } }),
  });
  same('the changed service fetched', shown(await services(made.sid).fetch()), shown(changed));

  const emptied = await services(made.sid).update({
    preWebhookUrl: '',
    webhookFilters: [''],
    'notifications.newMessage.template': '',
    ...onlyOfV1(on, { 'webhooks.onMessageSend.url': '' }),
  });
  has('what is sent empty', emptied, { preWebhookUrl: null, webhookFilters: null });
  has('what is not sent', emptied, { postWebhookUrl: 'https://example.org/after', webhookMethod: 'GET' });
  same('new_message', 'template' in emptied.notifications.new_message, false);
  if (!on.v2) {
    const { on_message_send: gone, ...left } = targets;
    same('webhooks', emptied.webhooks, left);
  }
}

async function hasOtherDefaultRoles(on, service) {
  const roles = on.chat.services(service).roles;
  const staff = { friendlyName: 'staff', type: 'deployment', permission: ['createChannel'] };
  const guest = { friendlyName: 'guest', type: 'channel', permission: ['sendMessage'] };
  const channel = (await roles.create(guest)).sid;
  const changes = {
    defaultServiceRoleSid: (await roles.create(staff)).sid,
    defaultChannelRoleSid: channel,
    defaultChannelCreatorRoleSid: channel,
  };

  has('default roles', await on.chat.services(service).update(changes), changes);
}

async function whatIsWrongIsSaid(on, service) {
  const services = on.chat.services;
  const gone = `The requested resource /Services/${NOBODY} was not found`;
  await refused('fetching what is not there', services(NOBODY).fetch(), 404, 20404, gone);
  await refused('updating it', services(NOBODY).update({ friendlyName: 'Nobody' }), 404, 20404, gone);
  await refused('deleting it', services(NOBODY).remove(), 404, 20404, gone);
  await refused(
    'a service with a long name', services.create({ friendlyName: 'x'.repeat(257) }), 400, 50003,
    'Friendly name too long',
  );
  await refused(
    'a channel without members', services(service).update({ 'limits.channelMembers': 0 }), 400, 50061,
    'Invalid channel members limit format',
  );
  const unchanged = await services(service).fetch();
  has('the service after all this', unchanged, { limits: { channel_members: 600, user_channels: 500 } });
}
