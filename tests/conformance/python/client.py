"""What an application does, through the official library of this interpreter.

`python client.py`, or `python client.py asynchronously`. It stops, with a sentence, at the first thing that
is not as the original has it. `../test_clients.py` runs it with a new account in its environment, listed in
`library.py`, and reads in the file RECORD what was done. `../node/client.mjs` does the same in Node.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import binding
import channel
import channel_webhook
import credential
import invite
import keys
import member
import message
import role
import service
import twilio
import user
import user_channel
from checks import say
from library import Library, Record, Version, Watched, watched_asynchronously

NOUNS = (role, user, channel, member, invite, message, user_channel)


def main():
    record = Record()
    asyncio.run(
        asynchronously(record) if "asynchronously" in sys.argv else everything(Library(Watched(record)))
    )

    done = {operation: sorted(items) for operation, items in sorted(record.done.items())}
    Path(os.environ["RECORD"]).write_text(json.dumps(done))
    say(f"twilio-python {twilio.__version__}: everything is as the original has it")


async def plainly(record):
    await everything(Library(Watched(record)))


async def asynchronously(record):
    async with watched_asynchronously(record) as http:
        await everything(Library(http, asynchronous=True))


async def everything(library):
    for name in ("v1", "v2"):
        on = Version(library, name)
        await service.lives(on)
        await credential.lives(on)
        made = await on.do(on.chat.services.create, friendly_name="Support")
        on.service = made.sid
        for noun in NOUNS:
            say(f"{noun.__name__}, {name}")
            await noun.lives(on)
        if on.v2:
            await channel_webhook.lives(on)
            await binding.lives(on)
        await service.dies(on)
    await keys.work_too(library)


if __name__ == "__main__":
    main()
