// Webhooks of channels, v2 only.

import { exactly, has, madeNow, now, pagesAreWhole, refused, same, say, shown, sids } from './checks.mjs';
import { ACCOUNT_SID } from './library.mjs';

const FLOW = 'FW' + '0'.repeat(32);
const OTHER_FLOW = 'FW' + '1'.repeat(32);
const URL = 'https://example.org/?a=1&b=2';

export async function lives(on) {
  say('channelWebhook, v2');
  const channel = await on.here.channels.create();
  const webhooks = on.here.channels(channel.sid).webhooks;

  const filters = ['onMessageSent', 'onChannelDestroyed'];
  const made = await webhooks.create({
    type: 'webhook',
    'configuration.url': URL,
    'configuration.method': 'GET',
    'configuration.filters': filters,
    'configuration.retryCount': 2,
  });
  madeNow('a new webhook', 'WH', made);
  exactly('a new webhook', made, {
    sid: made.sid,
    accountSid: ACCOUNT_SID,
    serviceSid: on.service,
    channelSid: channel.sid,
    type: 'webhook',
    configuration: { url: URL, method: 'GET', filters, retry_count: 2 },
    dateCreated: made.dateCreated,
    dateUpdated: made.dateUpdated,
    url: `${on.url}/Channels/${channel.sid}/Webhooks/${made.sid}`,
  });
  same('the webhook fetched', shown(await webhooks(made.sid).fetch()), shown(made));

  const words = ['one', 'two'];
  const asked = { type: 'trigger', 'configuration.url': URL, 'configuration.triggers': words };
  const trigger = await webhooks.create(asked);
  const shows = { url: URL, method: 'POST', filters: words, triggers: words, retry_count: 0 };
  has('a trigger', trigger, { type: 'trigger', configuration: shows });
  const flow = await webhooks.create({ type: 'studio', 'configuration.flowSid': FLOW });
  has('a flow', flow, { type: 'studio', configuration: { flow_sid: FLOW } });

  let changed = await webhooks(trigger.sid).update({
    'configuration.url': 'https://example.org/other',
    'configuration.method': 'GET',
    'configuration.triggers': ['three'],
    'configuration.retryCount': 3,
  });
  now('webhook.dateUpdated', changed.dateUpdated);
  same('a changed trigger', changed.configuration.triggers, ['three']);
  changed = await webhooks(made.sid).update({ 'configuration.filters': ['onMemberAdded'] });
  same('a changed webhook', changed.configuration.filters, ['onMemberAdded']);
  changed = await webhooks(flow.sid).update({ 'configuration.flowSid': OTHER_FLOW });
  same('a changed flow', changed.configuration, { flow_sid: OTHER_FLOW });
  same('the changed flow fetched', shown(await changed.fetch()), shown(changed));

  for (let n = 0; n < 2; n++) {
    await webhooks.create({ type: 'studio', 'configuration.flowSid': FLOW });
  }
  await pagesAreWhole('webhooks', webhooks, sids(await webhooks.list()), 2);

  const sixth = webhooks.create({ type: 'studio', 'configuration.flowSid': FLOW });
  await refused('a sixth webhook', sixth, 400, 50321);
  same('the answer to a delete', await webhooks(flow.sid).remove(), true);
  await refused('a deleted webhook', webhooks(flow.sid).fetch(), 404, 20404);
}
