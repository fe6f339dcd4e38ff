// A server of a scenario's own, which may be killed; and the command line beside a server.

import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

import { CHINWAG, DATABASES } from './settings.mjs';
import { inTime, within } from './checks.mjs';

const [PROGRAM, ...WORDS] = CHINWAG;
/** The longest that a start may take, in milliseconds: several may start at once. */
const STARTING = 40_000;

const READY = /^Chinwag is listening on (\S+)$/m;

/** Run a command to its end, beside the server of this run, and return what it printed. */
export async function chinwag(...words) {
  const { stdout } = await inTime(words.join(' '), promisify(execFile)(PROGRAM, [...WORDS, ...words]));
  return stdout;
}

export class Server {
  #database = DATABASES.pop();
  #process;

  /** Start it, at an address of its own, with whatever is in its database already. */
  async start() {
    const env = { ...process.env, CHINWAG_DATABASE: this.#database };
    const words = [...WORDS, 'serve', '--port', '0', '--log-level', 'warning'];
    this.#process = spawn(PROGRAM, words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    this.base = await within(STARTING, 'the server starts', new Promise((resolve, reject) => {
      let said = '';
      this.#process.on('exit', (status) => reject(new Error(`the server ended with ${status}`)));
      this.#process.stdout.on('data', (text) => {
        said += text;
        const ready = READY.exec(said);
        if (ready) resolve(ready[1]);
      });
    }));
  }

  /** End it with a signal, and wait for the end. */
  async end(signal) {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill(signal);
    await inTime(`the server ends after ${signal}`, gone);
  }
}
