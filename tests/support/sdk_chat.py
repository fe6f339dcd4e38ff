"""What the official SDK makes of its objects: a user's channels, opened as he comes and closed as he goes.

It starts as SDK 6.0.0 does, asks for what that asks for, and as much at a time. Source: sdk-wire.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support.sdk_client import DisconnectedError, RefusedError, SdkClient

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from support.sync import Document, SyncList, SyncMap, SyncObject


@dataclass
class ChatChannel:
    """A channel that the user has joined, or is invited to."""

    sid: str
    status: str = ""
    document: Document | None = None
    messages: SyncList | None = None
    roster: SyncMap | None = None

    @property
    def objects(self) -> list[SyncObject]:
        """What is open of it."""
        return [thing for thing in (self.document, self.messages, self.roster) if thing is not None]

    def state(self) -> dict[str, Any]:
        """Return what the user would see."""
        return {"status": self.status, **{thing.kind: thing.state() for thing in self.objects}}


@dataclass
class Chat:
    """A user's view of everything.

    Args:
        client: through which it looks.
    """

    client: SdkClient
    configuration: dict[str, Any] = field(default_factory=dict)
    channels: dict[str, ChatChannel] = field(default_factory=dict)
    users: dict[str, SyncMap | None] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _failures: list[BaseException] = field(default_factory=list)

    async def start(self) -> None:
        """Log in and open everything, as the SDK does when it starts."""
        await self.client.connect()
        configuration = await self.client.request("GET", "/Client/v1/Configuration")
        if configuration.status != 200:
            raise RefusedError("the configuration", configuration)
        self.configuration = configuration.json
        await asyncio.gather(self._fetch_channels(), self._open_own_info())
        await self.quiet()

    async def watch_user(self, identity: str) -> None:
        """Follow somebody's user info, if there is such a user."""
        if identity in self.users:
            return
        answer = await self.client.request("GET", f"{self.configuration['links']['users']}/{identity}")
        if answer.status == 404:
            self.users[identity] = None
            return
        if answer.status != 200:
            raise RefusedError(identity, answer)
        self.users[identity] = await self.client.map(
            answer.json["sync_objects"]["user_info_map"], with_items=True
        )

    async def quiet(self) -> None:
        """Wait until nothing is being opened or followed.

        Raises:
            RefusedError: something could not be opened that should have been.
        """
        while self._tasks or not self.client.settled():
            if self._tasks:
                await asyncio.wait(self._tasks)
            await self.client.settle()
        if self._failures:
            raise self._failures[0]

    @property
    def objects(self) -> list[SyncObject]:
        """Everything that is open."""
        return [
            self.my_channels,
            *(info for info in self.users.values() if info is not None),
            *(thing for channel in self.channels.values() for thing in channel.objects),
        ]

    def state(self) -> dict[str, Any]:
        """Return what the user would see."""
        return {
            "my channels": self.my_channels.state(),
            "channels": {sid: channel.state() for sid, channel in sorted(self.channels.items())},
            "users": {identity: info and info.state() for identity, info in sorted(self.users.items())},
        }

    async def _open_own_info(self) -> None:
        name = self.configuration["sync_objects"]["my_user_info"]
        self.users[self.configuration["identity"]] = await self.client.map(name, with_items=True)

    async def _fetch_channels(self) -> None:
        name = self.configuration["sync_objects"]["my_conversations"]
        self.my_channels = await self.client.map(name, read=False)
        self.my_channels.listener = self._changed
        found: list[dict[str, Any]] = []
        url: str = self.configuration["links"]["my_conversations"]
        token = None
        while True:
            params: dict[str, str | list[str]] = {"PageToken": token} if token else {}
            page = await self.client.request("GET", url, params=params)
            if page.status != 200:
                raise RefusedError("my channels", page)
            found += page.json["conversations"]
            token = page.json["meta"]["next_token"]
            if token is None:
                break
        await asyncio.gather(*(self._open(entry["conversation_sid"], entry["status"]) for entry in found))
        # The SDK looks into the map only when somebody asks for a channel; here all of it is compared.
        await self.client.read(self.my_channels)

    def _changed(self, happened: str, key: Any, data: Any) -> None:
        """Follow what the map of my channels says."""
        if happened in {"added", "updated"}:
            channel = self.channels.get(key)
            if channel is None or channel.status != data["status"]:
                self._soon(self._open(key, data["status"]))
        elif happened == "removed":
            self._close(key)

    async def _open(self, sid: str, status: str) -> None:
        channel = self.channels.setdefault(sid, ChatChannel(sid))
        channel.status = status
        if status != "joined":
            self._unfollow(channel.messages, channel.roster)
            channel.messages = channel.roster = None
        try:
            if channel.document is None:
                channel.document = await self.client.document(f"{sid}.channel")
            if status == "joined" and channel.messages is None:
                data = channel.document.data
                channel.messages, channel.roster = await asyncio.gather(
                    self.client.list(data["messages"]), self.client.map(data["roster"])
                )
        except RefusedError as refusal:
            if self.channels.get(sid) is channel:
                raise
            del refusal  # it went while it was being opened
        finally:
            if self.channels.get(sid) is not channel:
                self._unfollow(*channel.objects)

    def _close(self, sid: str) -> None:
        channel = self.channels.pop(sid, None)
        if channel is not None:
            self._unfollow(*channel.objects)

    def _unfollow(self, *things: SyncObject | None) -> None:
        for thing in things:
            if thing is not None:
                self.client.unfollow(thing)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        async def carefully() -> None:
            try:
                await work
            except DisconnectedError:
                pass  # a test that cuts connections while channels come is about something else
            except Exception as error:  # noqa: BLE001  # `quiet` raises it
                self._failures.append(error)

        task = asyncio.ensure_future(carefully())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
