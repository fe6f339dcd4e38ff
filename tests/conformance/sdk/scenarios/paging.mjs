// History: reading messages page by page, from either end and from the middle, without a gap or a double.

import { inTime, same, yes } from '../checks.mjs';
import { scenario } from '../scenario.mjs';

const HOW_MANY = 45;

/** Return the indexes of a channel with a history, some of it removed, and somebody who has just come. */
async function history(world) {
  const alice = await world.person('alice');
  const [{ sid }] = await world.channelOf(alice);
  for (let n = 0; n < HOW_MANY; n++) {
    await world.rest.post(`Channels/${sid}/Messages`, { Body: `${n}` });
  }
  const there = await world.rest.list(`Channels/${sid}/Messages`);
  const gone = there.filter(({ index }) => [7, 8, 30].includes(index));
  await Promise.all(gone.map((message) => world.rest.delete(`Channels/${sid}/Messages/${message.sid}`)));
  const indexes = there.filter((message) => !gone.includes(message)).map(({ index }) => index);
  return { sid, indexes, alice };
}

const indexesOf = ({ items }) => items.map(({ index }) => index);

scenario('history is read backwards from its end to its beginning', async (world) => {
  const { sid, indexes, alice } = await history(world);
  const channel = await (await world.person('alice')).finds(sid);

  let page = await inTime('the last page', channel.getMessages(10));
  same('the last page', indexesOf(page), indexes.slice(-10));
  same('there is nothing after it', page.hasNextPage, false);
  const all = [indexesOf(page)];
  while (page.hasPrevPage) {
    page = await inTime('the page before', page.prevPage());
    all.unshift(indexesOf(page));
    yes('there is an end', all.length < HOW_MANY);
  }

  same('everything', all.flat(), indexes);
  same('somebody who is there reads the same', (await alice.reads({ sid })).map(({ index }) => index), indexes);
});

scenario('history is read forwards from its beginning to its end', async (world) => {
  const { sid, indexes } = await history(world);
  const channel = await (await world.person('alice')).finds(sid);

  let page = await inTime('the first page', channel.getMessages(12, 0, 'forward'));
  same('there is nothing before it', page.hasPrevPage, false);
  const all = indexesOf(page);
  while (page.hasNextPage) {
    page = await inTime('the next page', page.nextPage());
    all.push(...indexesOf(page));
    yes('there is an end', all.length <= HOW_MANY);
  }

  same('everything', all, indexes);
});

scenario('history is read from its middle, in both directions', async (world) => {
  const { sid, indexes } = await history(world);
  for (const [direction, from, to] of [['forward', 15, 25], ['backwards', 6, 16]]) {
    // Somebody new each time: the SDK remembers what it has read.
    const channel = await (await world.person('alice')).finds(sid);

    const page = await inTime('a page', channel.getMessages(10, indexes[15], direction));

    same(`a page ${direction}`, indexesOf(page), indexes.slice(from, to));
    same('there is something before it', page.hasPrevPage, true);
    same('there is something after it', page.hasNextPage, true);
    const next = await inTime('the next page', page.nextPage());
    same('the next page', indexesOf(next), indexes.slice(to, to + 10));
    const previous = await inTime('the page before', page.prevPage());
    same('where the page before ends', indexesOf(previous).at(-1), indexes[from - 1]);
  }
});

scenario('an anchor that was removed stands for its place', async (world) => {
  const { sid, indexes } = await history(world);
  const channel = await (await world.person('alice')).finds(sid);

  const page = await inTime('a page', channel.getMessages(10, 7, 'forward'));

  same('the page', indexesOf(page), indexes.filter((index) => index > 7).slice(0, 10));
});

scenario('what comes while history is read is neither lost nor doubled', async (world) => {
  const { sid, indexes } = await history(world);
  const bob = await world.person('alice');
  const channel = await bob.finds(sid);
  await channel.getMessages(5);

  const since = await world.everythingIsTold({ sid }, bob);
  let page = await inTime('a page', channel.getMessages(20));
  const all = indexesOf(page);
  while (page.hasPrevPage) {
    page = await inTime('the page before', page.prevPage());
    all.unshift(...indexesOf(page));
  }

  same('everything', all, [...indexes, since]);
});
