// A cable between an application and the server, that can be pulled out: a TCP proxy that knows nothing else.

import { connect, createServer } from 'node:net';

export class Cable {
  #plugged = true;
  #ends = new Set();
  #server;
  #target;

  /** Lay a cable to a server. */
  static async to(base) {
    const cable = new Cable(base);
    await new Promise((ready) => cable.#server.listen(0, '127.0.0.1', ready));
    return cable;
  }

  constructor(base) {
    this.#target = new URL(base);
    this.#server = createServer((near) => this.#join(near));
  }

  /** The address of our end; it stays the same wherever the other end is. */
  get base() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  pull() {
    this.#plugged = false;
    for (const end of this.#ends) end.destroy();
  }

  /** Plug it in again, perhaps somewhere else. */
  plug(base = this.#target) {
    this.#target = new URL(base);
    this.#plugged = true;
  }

  remove() {
    this.pull();
    this.#server.close();
  }

  #join(near) {
    if (!this.#plugged) {
      near.destroy();
      return;
    }
    const far = connect(Number(this.#target.port || 80), this.#target.hostname);
    for (const [end, other] of [[near, far], [far, near]]) {
      this.#ends.add(end);
      end.on('error', () => {});
      end.on('close', () => {
        this.#ends.delete(end);
        other.destroy();
      });
      end.pipe(other);
    }
  }
}
