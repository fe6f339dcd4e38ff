"""A service with channels that are full of members, made over REST, and tokens for those who come."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support.asking import Line, request
from support.churn import KEY_SECRET, KEY_SID
from support.kill import ACCOUNT_SID
from support.multitude import Person
from support.sdk_client import access_token

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY = {"CHINWAG_API_KEY_SID": KEY_SID, "CHINWAG_API_KEY_SECRET": KEY_SECRET}
"""Settings of a server that takes the tokens."""

LONGEST_SESSION_S = 24 * 3600


@dataclass
class House:
    """A service.

    Args:
        channels: SIDs.
        people: members, each of one channel, in turns.
    """

    over: list[Line]
    service: str
    channels: list[str] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/v2/Services/{self.service}"

    async def add_channel(self) -> str:
        """Make a channel and return its SID."""
        sid: str = (await self.asked("POST", f"{self.path}/Channels", FriendlyName="A channel"))["sid"]
        self.channels.append(sid)
        return sid

    async def join(self, channel: str, identities: Iterable[str]) -> None:
        """Add members, some at a time."""
        left = iter(identities)

        async def add(line: Line) -> None:
            for identity in left:
                form = {"Identity": identity}
                answer = await line.ask(request("POST", f"{self.path}/Channels/{channel}/Members", form))
                assert answer.status == 201, answer

        await asyncio.gather(*(add(line) for line in self.over))

    async def fill(self, channels: int, members: int) -> None:
        """Make channels, and so many members of each, who may come as `people`."""
        for number in range(channels):
            channel = await self.add_channel()
            identities = [f"person-{number}-{nth}" for nth in range(members)]
            await self.join(channel, identities)
            self.people += [Person(self.token(identity), channel) for identity in identities]

    def token(self, identity: str) -> str:
        return access_token(
            identity,
            account_sid=ACCOUNT_SID,
            key_sid=KEY_SID,
            secret=KEY_SECRET,
            service_sid=self.service,
            ttl=LONGEST_SESSION_S,
        )

    def post(self, channel: str, body: str = "Hello Bob, is this number 42?", **headers: str) -> bytes:
        """Return a request that posts a message."""
        return request("POST", f"{self.path}/Channels/{channel}/Messages", {"Body": body}, **headers)

    async def asked(self, method: str, path: str, **form: str) -> Any:
        """Ask over the first of the lines, and return what was answered."""
        answer = await self.over[0].ask(request(method, path, form if method == "POST" else None))
        assert answer.status < 300, answer
        return answer.json


async def a_house(over: list[Line]) -> House:
    """Make a service whose channels may have as many members as can be."""
    made = await over[0].ask(request("POST", "/v2/Services", {"FriendlyName": "A house"}))
    assert made.status == 201, made
    house = House(over, made.json["sid"])
    await house.asked("POST", house.path, **{"Limits.ChannelMembers": "1000", "Limits.UserChannels": "1000"})
    return house
