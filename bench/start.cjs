// Starts the official SDK, and says how long it took until it had all channels, how much of that it was computing
// itself, and how long until it followed them all.
const [sdk, port, token, wanted] = process.argv.slice(2);
const { Client } = require(sdk);
const began = performance.now();
const seconds = () => (performance.now() - began) / 1000;
const client = new Client(token, { twilsock: { uri: `ws://127.0.0.1:${port}/v3/wsconnect` } });

let joined = 0;
client.on('channelJoined', async () => {
  joined += 1;
  if (joined < Number(wanted)) return;
  const channels = seconds();
  const { user, system } = process.cpuUsage();
  const sync = client.services.syncClient.services.subscriptions;
  const isLive = () =>
    sync.subscriptions.size >= 3 * Number(wanted) && [...sync.subscriptions.values()].every((each) => each.isEstablished);
  while (!isLive()) await new Promise((resolve) => setTimeout(resolve, 10));
  console.log(JSON.stringify({ channels, cpu: (user + system) / 1e6, live: seconds() }));
  process.exit(0);
});
