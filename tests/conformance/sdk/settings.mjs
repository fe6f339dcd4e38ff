// What a run is told in its environment by `../test_sdk.py`.

const { env } = process;

/** The server, and who we are there. `CHINWAG_…` variables serve the command line beside it as well. */
export const BASE = env.CHAT_URL;
export const ACCOUNT_SID = env.CHINWAG_ACCOUNT_SID;
export const AUTH_TOKEN = env.CHINWAG_AUTH_TOKEN;
export const API_KEY_SID = env.CHINWAG_API_KEY_SID;
export const API_KEY_SECRET = env.CHINWAG_API_KEY_SECRET;

/** Whether the server is somebody else's: nothing but the wire leads there. */
export const ELSEWHERE = env.CHINWAG_WORDS === undefined;

/** How `chinwag` is run, as words. */
export const CHINWAG = JSON.parse(env.CHINWAG_WORDS ?? '[]');

/** Addresses of empty databases, for scenarios that need a server of their own. */
export const DATABASES = JSON.parse(env.EMPTY_DATABASES ?? '[]');

/** The package of the SDK, such as `twilio-chat-6`, and how it is pointed here: `one option` or `every option`. */
export const [PACKAGE, REDIRECT] = process.argv.slice(2);

/** The scenarios that are wanted, by name; all of them if none is named. */
export const WANTED = process.argv.slice(4);
