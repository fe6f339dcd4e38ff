"""`chinwag push` as an operator meets it: beside a server, its providers, and people with devices."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from chinwag.cli_log import FOLLOW_SECONDS
from chinwag.cli_push import WHAT_TO_DO
from chinwag.delivery.pushes import RECORDED
from chinwag.domain.push import NoPush
from delivery.certificates import a_ca
from delivery.http2_peer import Answer
from support.command_line import Done
from support.push_stage import APP, PushStage, a_push_stage, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from support.postgres import Postgres

pytestmark = [pytest.mark.clients, pytest.mark.timeout(120)]

TYPES = ("apn", "fcm")
PATIENCE_SECONDS = 15
LEGACY_KEY = "AAAAmadeUp12:APA91bThisIsNoKeyOfAnybodyButItLooksLikeOne_0123456789abcdefghijklmnop"


@pytest.fixture(scope="module")
async def stage(
    engine: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[PushStage]:
    """A server, its providers and people: for all tests but those that want others."""
    folder = tmp_path_factory.mktemp("push")
    database = f"sqlite:///{folder}/chinwag.db"
    if engine == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        database = await postgres.database()
    async with a_push_stage(folder, database) as found:
        yield found


async def logged(stage: PushStage, service: str, text: str) -> str:
    """Wait until a line of the log has a text, and return it."""
    last = ""

    async def look() -> str | None:
        nonlocal last
        last = (await stage.run("log", "--service", service)).output
        return next((line for line in last.splitlines() if text in line), None)

    return await eventually(look, lambda: f"no line has {text!r}: {last}")


def sid_in(line: str) -> str:
    found = re.search(r"NT[0-9a-f]{32}", line)
    assert found is not None, line
    return found[0]


# The log


async def test_the_log_lists_who_was_pushed_to_and_why_somebody_was_not(stage: PushStage) -> None:
    service = await stage.service(Notifications__LogEnabled="true")
    await stage.registered("alice", service, "fcm")
    bob = await stage.registered("bob", service, "fcm")
    await stage.registered("carol", service, "apn")
    channel = await stage.a_channel(service, "lobby", "bob", "carol")
    await stage.act("carol", service, "setUserNotificationLevel", "muted", channel=channel)
    await stage.post(service, channel)

    delivered = await logged(stage, service, f"new_message           bob  fcm {bob.credential}")
    author = await logged(stage, service, "new_message           alice")
    muted = await logged(stage, service, "new_message           carol")

    assert re.search(r"1 try, \d+ ms  delivered$", delivered)
    assert re.search(rf"alice  not pushed: {NoPush.AUTHOR} \(fcm, BS[0-9a-f]{{32}}\)$", author)
    assert f"carol  not pushed: {NoPush.MUTED} (apn, BS" in muted
    shown = await stage.run("show", sid_in(muted))
    assert WHAT_TO_DO[NoPush.MUTED] in shown.output
    assert (shown.status, shown.errors) == (0, "")


async def test_the_log_says_what_helps_where_nothing_can_be_pushed(stage: PushStage) -> None:
    disabled = {"Notifications__NewMessage__Enabled": "false"}
    service = await stage.service(Notifications__LogEnabled="true", **disabled)
    channel = await stage.a_channel(service, "lobby")
    await stage.post(service, channel)
    line = await logged(stage, service, f"not pushed: {NoPush.DISABLED}")
    await stage.change(service, Notifications__NewMessage__Enabled="true")
    await stage.post(service, channel)
    later = await logged(stage, service, f"not pushed: {NoPush.NO_DEVICE}")

    shown = [(await stage.run("show", sid_in(one))).output for one in (line, later)]

    assert WHAT_TO_DO[NoPush.DISABLED] in shown[0]
    assert WHAT_TO_DO[NoPush.NO_DEVICE] in shown[1]


async def test_the_log_goes_on_with_what_happens_and_says_nothing_twice(stage: PushStage) -> None:
    service = await stage.service(Notifications__LogEnabled="true")
    bob = await stage.registered("bob", service, "fcm")
    channel = await stage.a_channel(service, "lobby", "bob")
    await logged(stage, service, "delivered")
    following = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chinwag", "push", "log", "--follow", "--service", service),
        cwd=stage.command_line.folder,
        env=os.environ | stage.command_line.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert following.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            lines = [(await following.stdout.readline()).decode()]
            await stage.post(service, channel)
            while "new_message" not in lines[-1] or "delivered" not in lines[-1]:
                lines.append((await following.stdout.readline()).decode())
            await asyncio.sleep(3 * FOLLOW_SECONDS)  # what would be said twice is said by then
            following.send_signal(signal.SIGINT)
            lines += (await following.stdout.read()).decode().splitlines(keepends=True)
            status = await following.wait()
    finally:
        if following.returncode is None:
            following.kill()
            await following.wait()

    await stage.arrived(bob, 2)
    assert status == 130
    assert len(set(lines)) == len(lines)
    assert ["delivered" in line for line in lines].count(True) == 2


async def test_what_others_wrote_does_not_command_the_terminal(stage: PushStage) -> None:
    service = await stage.service(Notifications__LogEnabled="true")
    bob = await stage.registered("bob", service, "fcm")
    channel = await stage.a_channel(service, "lobby", "bob")
    await stage.post(service, channel, "red \x1b[31m\r\n\u202egreen")
    await stage.arrived(bob, 2)
    line = await logged(stage, service, "new_message           bob  fcm")

    shown = (await stage.run("show", sid_in(line))).output

    assert "green" in shown
    assert all(character.isprintable() for character in shown.replace("\n", ""))


# One push


@pytest.mark.parametrize("device_type", TYPES)
async def test_a_push_is_shown_with_its_payload_and_each_answer_but_without_the_address(
    stage: PushStage, device_type: str
) -> None:
    service = await stage.service(Notifications__LogEnabled="true")
    bob = await stage.registered("bob", service, device_type)
    channel = await stage.a_channel(service, "lobby", "bob")
    await stage.post(service, channel)
    (sent,) = await stage.arrived(bob, kind="new_message")
    line = await logged(stage, service, f"new_message           bob  {device_type}")

    done = await stage.run("show", sid_in(line))

    payload = json.loads(done.output[done.output.index("\n{") : done.output.rindex("\n}") + 2])
    assert done.status == 0
    if device_type == "apn":
        assert payload == sent.sent
    else:
        message = payload["message"]
        assert message["token"] == "(the device)"
        assert message["data"] == sent.about
        assert message["android"]["collapse_key"] == sent.sent["android"]["collapse_key"]
    assert re.search(r"\nTry 1, \S+Z, \d+ ms: status 200: delivered\n", done.output)
    device = f"{device_type}, binding {bob.binding['sid']}, credential {bob.credential}"
    assert f"device      {device}" in done.output
    assert f"channel     {channel}" in done.output
    assert bob.address not in done.output


# Trying a credential


@pytest.mark.parametrize("device_type", TYPES)
async def test_a_credential_is_tried_on_the_devices_of_a_user(stage: PushStage, device_type: str) -> None:
    service = await stage.service()
    credential = await stage.credential(device_type, FriendlyName="Of the app")
    alice = await stage.registered("alice", service, device_type, credential)

    done = await stage.run("test", credential, "--identity", "alice")

    (push,) = await stage.arrived(alice)
    first, second, third = done.output.splitlines()
    of = f"{APP}, production, valid until 20" if device_type == "apn" else "project my-app, chinwag@my-app"
    assert (done.status, done.errors) == (0, "")
    assert first.startswith(f"{credential} (Of the app), {device_type}: active: {of}")
    assert second.startswith("1 to push")
    assert re.search(
        rf"NT\w{{32}}  test                  alice  {device_type} {credential}  1 try, .* delivered$", third
    )
    assert push.text == "A test: push notifications of Of the app arrive here."
    assert push.kind == ""


async def test_a_credential_is_tried_over_rest(stage: PushStage) -> None:
    service = await stage.service()
    alice = await stage.registered("alice", service, "fcm")

    tried = await stage.api.post(f"/chinwag/v1/Credentials/{alice.credential}/Test", Identity="alice")

    (push,) = await stage.arrived(alice)
    (found,) = await stage.pushes(service)
    assert tried.status < 300
    assert tried.json["push_sids"] == [found["sid"]]
    assert (found["kind"], found["state"], found["body"]) == ("test", "delivered", push.text)


async def test_a_legacy_key_is_explained_when_it_is_tried_and_in_the_log(stage: PushStage) -> None:
    service = await stage.service()
    stage.secrets.append(LEGACY_KEY)
    credential = await stage.credential("fcm", Secret=LEGACY_KEY)
    bob = await stage.registered("bob", service, "fcm", credential)
    before = await stage.run("test", credential)
    await stage.a_channel(service, "lobby", "bob")
    await stage.comes_to_be(credential, "unusable")

    line = await logged(stage, service, "legacy server key")

    state = await stage.comes_to_be(credential, "unusable")
    assert before.status == 1
    assert "fcm: unusable: this is a legacy server key: Google switched these off in 2024" in before.output
    assert "Google switched these off in 2024" in line
    assert "(52101)" in line
    assert state["code"] == 52101
    for text in (before.output, before.errors, line, str(state), stage.server.log, *stage.api.answers):
        assert LEGACY_KEY not in text
    assert stage.come(bob) == []


async def test_a_credential_that_its_provider_does_not_take_fails_the_test(stage: PushStage) -> None:
    service = await stage.service()
    bob = await stage.registered("bob", service, "apn")
    stage.says(bob, Answer(403, {"reason": "BadCertificate"}))
    await stage.a_channel(service, "lobby", "bob")
    await stage.comes_to_be(bob.credential, "stopped")

    done = await stage.run("test", bob.credential)

    assert done.status == 1
    assert re.search(rf"^{bob.credential}, apn: stopped since \S+: {APP}, production", done.output)
    assert "BadCertificate: Apple does not accept the certificate of the credential (52145)" in done.output


async def test_a_certificate_and_a_key_that_do_not_belong_together_fail_the_test(stage: PushStage) -> None:
    key = stage.of_apple(a_ca())["PrivateKey"]
    credential = await stage.credential("apn", PrivateKey=key)

    done = await stage.run("test", credential)

    assert done.status == 1
    assert "unusable: the private key does not belong to the certificate (52131)" in done.output


async def test_a_device_that_does_not_take_it_fails_the_test(stage: PushStage) -> None:
    service = await stage.service()
    alice = await stage.registered("alice", service, "apn")
    stage.says(alice, Answer(410, {"reason": "Unregistered"}))

    done = await stage.run("test", alice.credential, "--identity", "alice")

    assert done.status == 1
    assert "failed: Unregistered: the app is not on the device any more (52141)" in done.output
    await stage.is_gone(alice)


async def test_a_gcm_credential_with_a_service_account_reaches_android_devices(stage: PushStage) -> None:
    service = await stage.service()
    account = stage.of_google()["Secret"]
    made = await stage.api.post("/v2/Credentials", Type="gcm", ApiKey=account)
    alice = await stage.registered("alice", service, "fcm", made.json["sid"])

    done = await stage.run("test", made.json["sid"], "--identity", "alice")

    assert done.status == 0
    await stage.arrived(alice)


# Only recording


async def test_a_sink_sends_nothing_and_the_log_shows_what_would_have_been_sent(
    database: str, tmp_path: Path
) -> None:
    async with a_push_stage(tmp_path, database, CHINWAG_PUSH="sink") as stage:
        service = await stage.service()
        bob = await stage.registered("bob", service, "apn")
        carol = await stage.registered("carol", service, "fcm")
        channel = await stage.a_channel(service, "lobby", "bob", "carol")
        await stage.post(service, channel)

        lines = [await logged(stage, service, f"new_message           {who}") for who in ("bob", "carol")]
        shown = (await stage.run("show", sid_in(lines[0]))).output

        found = await stage.pushes(service, 4)
        assert [line.endswith(f"delivered: {RECORDED}") for line in lines] == [True, True]
        assert '"alert": "alice in lobby: good morning"' in shown
        assert {push["reason"] for push in found} == {RECORDED}
        assert (stage.come(bob), stage.come(carol)) == ([], [])
        assert (stage.apple.connections, stage.google.tokens_asked) == (0, 0)


# What is not there


async def test_what_is_not_there_is_one_line(stage: PushStage) -> None:
    service, credential = await stage.service(), await stage.credential("fcm")

    empty = await stage.run("log", "--service", service)

    assert (empty.status, empty.output) == (0, "")
    assert "No push waits, has failed or is remembered" in empty.errors
    assert await stage.run("log", "--last", "0") == Done(0, "", "")
    for words, status, said in [
        (("log", "--service", "IS" + "0" * 32), 1, "there is no service IS"),
        (("log", "--last", "-1"), 2, "--last is -1: it must be 0 to 10000"),
        (("show", "NT" + "0" * 32), 1, "there is no push NT"),
        (("test", "CR" + "0" * 32), 1, "there is no credential CR"),
    ]:
        done = await stage.run(*words)
        assert (done.status, done.output) == (status, "")
        assert done.errors.startswith("chinwag: ")
        assert said in done.errors
    nobody = await stage.run("test", credential, "--identity", "nobody")
    assert nobody.status == 1
    assert f"nobody has no device that is registered with {credential}" in nobody.errors
