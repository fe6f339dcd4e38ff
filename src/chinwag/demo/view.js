// How the demo looks. Text is only ever put in as text, never as HTML. Nothing here knows the client library,
// except that a message has an index, an author, a body, dates and perhaps a file.

const GROUP_MS = 5 * 60 * 1000;                                 // messages of one person this close stand together
const BOTTOM_PX = 80;                                           // this near to the end counts as the end
const EVENTS = 60;
const SURE_MS = 4000;

const $ = (id) => document.getElementById(id);
const copy = (id) => $(id).content.firstElementChild.cloneNode(true);
const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

const CONNECTION = {
  connected: ['Connected', 'good'],
  connecting: ['Connecting …', 'wait'],
  disconnecting: ['Disconnecting …', 'wait'],
  disconnected: ['Offline', 'bad'],
  denied: ['Refused', 'bad'],
};

export class View {
  constructor(me, socket) {
    this.me = me;
    this.does = {};                                             // what input leads to: see on()
    this.items = new Map();                                     // index → { message, element }
    this.others = [];
    this.stick = true;                                          // whether the end of the list is kept in sight
    this.read = -1;
    $('address').textContent = socket;
    if (me) this.enter();
  }

  on(what, action) { this.does[what] = action; }

  askWho() {
    $('door').hidden = false;
    $('as').focus();
  }

  enter() {
    document.title = `${this.me} · Chinwag demo`;
    paint($('self').querySelector('.avatar'), this.me);
    $('self').querySelector('.name').textContent = this.me;
    $('self').hidden = $('room').hidden = false;
    $('second').href = `/demo?as=${this.me === 'bob' ? 'alice' : 'bob'}`;
    this.enable(false);
    this.connection('connecting');
  }

  ready() {
    this.enable(true);
    const text = $('text');
    $('composer').addEventListener('submit', (event) => { event.preventDefault(); this.submit(); });
    text.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.submit(); }
    });
    text.addEventListener('input', () => text.value && this.quietly('type'));
    text.addEventListener('paste', (event) => this.attach(event.clipboardData.files, event));
    $('file').addEventListener('change', () => { this.attach($('file').files); $('file').value = ''; });
    $('room').addEventListener('dragover', (event) => event.preventDefault());
    $('room').addEventListener('drop', (event) => this.attach(event.dataTransfer.files, event));
    $('older').addEventListener('click', () => this.older());
    $('newer').addEventListener('click', () => this.toEnd());
    $('scroll').addEventListener('scroll', () => this.scrolled());
    new ResizeObserver(() => this.stick && this.toEnd()).observe($('scroll'));
    document.addEventListener('visibilitychange', () => this.consume());
    this.toEnd();
    text.focus();
  }

  enable(on) {
    for (const control of $('composer').elements) control.disabled = !on;
  }

  connection(state) {
    const [text, mood] = CONNECTION[state] ?? [state, 'wait'];
    Object.assign($('connection'), { textContent: text, className: `chip ${mood}`, hidden: false });
  }

  trouble(error) {
    console.error(error);
    Object.assign($('trouble'), { textContent: error.message ?? String(error), hidden: false });
    clearTimeout(this.calm);
    this.calm = setTimeout(() => { $('trouble').hidden = true; }, 10000);
  }

  // Do what somebody asks for, and say so when it fails.
  async try(what, ...values) {
    try {
      return await this.does[what]?.(...values);
    } catch (error) {
      this.trouble(error);
      throw error;
    }
  }

  // Do what nobody has asked for, and return whether it was done: the next time will do.
  async quietly(what, ...values) {
    try {
      await this.does[what](...values);
      return true;
    } catch {
      return false;
    }
  }

  event(name, text) {
    const line = element('li', '');
    line.append(element('time', time.format(new Date())), ' ', element('b', name), ` ${text}`);
    $('events').prepend(line);
    while ($('events').childElementCount > EVENTS) $('events').lastElementChild.remove();
  }

  // People

  people(people) {
    this.others = people.filter((person) => person.identity !== this.me);
    $('alone').hidden = this.others.length > 0;
    const sorted = [...people].sort((a, b) => (b.online === true) - (a.online === true)
      || a.identity.localeCompare(b.identity));
    $('people').replaceChildren(...sorted.map((person) => this.person(person)));

    const typing = this.others.filter((person) => person.typing).map((person) => person.identity);
    const says = typing.length === 0 ? '' : `${listed(typing)} ${typing.length > 1 ? 'are' : 'is'} typing`;
    if ($('typing').textContent !== says) $('typing').textContent = says;
    this.markSeen();
  }

  person({ identity, online, typing }) {
    const line = copy('person');
    const state = typing ? 'typing …' : online ? 'online' : online === false ? 'away' : '';
    line.dataset.identity = identity;
    line.dataset.online = String(online === true);
    paint(line.querySelector('.avatar'), identity);
    line.querySelector('.name').textContent = identity === this.me ? `${identity} (you)` : identity;
    line.querySelector('.state').textContent = state;
    return line;
  }

  // Messages

  messages(messages, more) {
    const { scrollHeight, scrollTop } = $('scroll');
    for (const message of messages) this.put(message);
    $('older').hidden = !more;
    this.arrange();
    if (!this.stick) $('scroll').scrollTop = scrollTop + $('scroll').scrollHeight - scrollHeight;
  }

  message(message) {
    const known = this.items.has(message.index);
    this.put(message);
    if (!known) this.arrived(message);
    this.arrange();
    if (!known && message.author === this.me) this.toEnd();
    else if (!known && !this.stick) $('newer').hidden = false;
  }

  forget(index) {
    this.items.get(index)?.element.remove();
    this.items.delete(index);
    this.arrange();
  }

  put(message) {
    const item = this.items.get(message.index) ?? this.add(message);
    const { element: line } = item;
    const edited = message.dateUpdated > message.dateCreated;
    line.querySelector('.edited').hidden = !edited;
    if (message.type !== 'media') line.querySelector('.bubble').replaceChildren(element('p', message.body));
    else if (!item.filled) this.fill(line, message);
    item.filled = true;
  }

  add(message) {
    const line = copy('message');
    const mine = message.author === this.me;
    line.dataset.index = message.index;
    line.classList.toggle('mine', mine);
    paint(line.querySelector('.avatar'), message.author);
    line.querySelector('.who').textContent = mine ? 'You' : message.author;
    line.querySelector('time').textContent = time.format(message.dateCreated);
    line.querySelector('time').dateTime = message.dateCreated.toISOString();
    line.querySelector('.tools').hidden = !mine;
    line.querySelector('.edit').hidden = message.type === 'media';
    line.querySelector('.edit').addEventListener('click', () => this.edit(line, message));
    twice(line.querySelector('.delete'), () => this.try('delete', message).catch(() => {}));

    const item = { message, element: line };
    this.items.set(message.index, item);
    const later = [...$('messages').children].find((other) => Number(other.dataset.index) > message.index);
    $('messages').insertBefore(line, later ?? null);
    return item;
  }

  // A file: pictures are shown, others can be fetched. Temporary addresses expire, so each use asks for a new one.
  async fill(line, message) {
    const { media } = message;
    const name = media.filename || 'file';
    const bubble = line.querySelector('.bubble');
    if (/^image\/(png|jpeg|gif|webp|avif|bmp)/.test(media.contentType)) {
      const picture = Object.assign(document.createElement('img'), { alt: name });
      picture.addEventListener('load', () => this.stick && this.toEnd());
      bubble.classList.add('picture');
      bubble.replaceChildren(picture);
      try {
        picture.src = await media.getContentTemporaryUrl();
      } catch (error) {
        this.trouble(error);
      }
      return;
    }
    const link = element('button', `${name} (${size(media.size)})`);
    Object.assign(link, { type: 'button', className: 'file' });
    link.addEventListener('click', async () => {
      window.open(await media.getContentTemporaryUrl(), '_blank', 'noopener');
    });
    bubble.replaceChildren(link);
  }

  // Mark what stands together, where a day begins and who has read how far, and keep the end in sight.
  arrange() {
    let last = null;
    for (const line of $('messages').children) {
      const { message } = this.items.get(Number(line.dataset.index));
      const today = day.format(message.dateCreated);
      const newDay = last === null || day.format(last.dateCreated) !== today;
      const first = newDay || last.author !== message.author || message.dateCreated - last.dateCreated > GROUP_MS;
      line.classList.toggle('first', first);
      if (newDay) line.dataset.day = today === day.format(new Date()) ? 'Today' : today;
      else delete line.dataset.day;
      last = message;
    }
    $('empty').hidden = this.items.size > 0;
    this.markSeen();
    this.consume();
  }

  markSeen() {
    const lines = [...$('messages').children];
    const readers = new Map();
    for (const { identity, horizon } of this.others) {
      const line = lines.findLast((other) => {
        const { message } = this.items.get(Number(other.dataset.index));
        return message.index <= (horizon ?? -1) && message.author !== identity;
      });
      if (line) readers.set(line, [...(readers.get(line) ?? []), identity]);
    }
    for (const line of lines) {
      const seen = line.querySelector('.seen');
      const text = readers.has(line) ? `Seen by ${listed(readers.get(line))}` : '';
      if (seen.textContent !== text) Object.assign(seen, { textContent: text, hidden: !text });
    }
    if (this.stick) this.toEnd();
  }

  // What is in sight has been read.
  consume() {
    const last = Number($('messages').lastElementChild?.dataset.index ?? -1);
    if (document.visibilityState !== 'visible' || !this.stick || last <= this.read || !this.does.read) return;
    this.read = last;
    this.quietly('read', last).then((done) => { if (!done) this.read = -1; });
  }

  // Input

  submit() {
    const text = $('text').value.trim();
    if (!text) return;
    $('text').value = '';
    this.send('send', text, text);
  }

  attach(files, event) {
    if (files.length) event?.preventDefault();
    for (const file of files) this.send('attach', file, `${file.name}, ${size(file.size)}`);
  }

  // Show it at once, paler, until the library reports it as a message; offer another try when that fails.
  async send(what, value, text) {
    const line = copy('message');
    line.classList.add('mine', 'waiting');
    line.querySelector('.avatar').remove();
    line.querySelector('.bubble').append(element('p', text));
    line.querySelector('time').textContent = 'Sending …';
    $('sending').append(line);
    this.toEnd();
    try {
      const index = await this.try(what, value);
      if (this.items.has(index)) line.remove();
      else line.dataset.index = index;
    } catch {
      const again = element('button', 'Try again');
      again.type = 'button';
      again.addEventListener('click', () => { line.remove(); this.send(what, value, text); });
      line.classList.replace('waiting', 'failed');
      line.querySelector('.meta').replaceChildren('Not sent. ', again);
    }
  }

  // A message came: if it is one of ours, what stood for it goes.
  arrived(message) {
    if (message.author !== this.me) return;
    const lines = [...$('sending').querySelectorAll('.waiting')];
    const sent = lines.find((line) => Number(line.dataset.index ?? -1) === message.index)
      ?? lines.find((line) => line.querySelector('.bubble').textContent === message.body);
    sent?.remove();
  }

  edit(line, message) {
    const editor = copy('editor');
    const text = editor.querySelector('textarea');
    const close = () => { editor.remove(); line.classList.remove('editing'); };
    text.value = message.body;
    editor.addEventListener('reset', close);
    editor.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') close();
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); editor.requestSubmit(); }
    });
    editor.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (text.value.trim()) await this.try('edit', message, text.value.trim()).then(close, () => {});
    });
    line.classList.add('editing');
    line.querySelector('.stack').append(editor);
    text.focus();
  }

  async older() {
    this.stick = false;
    $('older').disabled = true;
    await this.try('older').catch(() => {});
    $('older').disabled = false;
  }

  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = $('scroll');
    this.stick = scrollHeight - scrollTop - clientHeight < BOTTOM_PX;
    if (this.stick) $('newer').hidden = true;
    this.consume();
  }

  toEnd() {
    this.stick = true;
    $('newer').hidden = true;
    $('scroll').scrollTop = $('scroll').scrollHeight;
    this.consume();
  }
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}

// An avatar: the first letter, in a colour of one's own.
function paint(avatar, identity) {
  let hue = 0;
  for (const letter of identity) hue = (hue * 31 + letter.codePointAt(0)) % 360;
  avatar.textContent = [...identity][0].toUpperCase();
  avatar.style.setProperty('--hue', hue);
}

function listed(names) {
  if (names.length > 3) return `${names.slice(0, 2).join(', ')} and ${names.length - 2} others`;
  return [names.slice(0, -1).join(', '), names.at(-1)].filter(Boolean).join(' and ');
}

function size(bytes) {
  const [unit, by] = bytes < 1e6 ? ['KB', 1e3] : ['MB', 1e6];
  return `${Math.max(bytes / by, 0.1).toFixed(1)} ${unit}`;
}

// A button that asks whether one is sure before it does anything.
function twice(button, action) {
  const says = button.textContent;
  let calm;
  button.addEventListener('click', () => {
    clearTimeout(calm);
    if (button.classList.toggle('sure')) {
      button.textContent = 'Sure?';
      calm = setTimeout(() => { button.classList.remove('sure'); button.textContent = says; }, SURE_MS);
    } else {
      button.textContent = says;
      action();
    }
  });
}
