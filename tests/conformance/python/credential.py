"""Credentials."""

from __future__ import annotations

from checks import exactly, has, made_now, now, pages_are_whole, refused, same, say, shown, sids
from library import ACCOUNT_SID, URL

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMII+/=\n-----END CERTIFICATE-----\n"
APN = {"certificate": CERTIFICATE, "private_key": CERTIFICATE.replace("CERTIFICATE", "PRIVATE KEY")}


async def lives(on):
    say(f"credential, {on.name}")
    credentials = on.chat.credentials
    before = sids(await on.do(credentials.list))

    made = await on.do(credentials.create, type="apn", **APN)
    made_now("a new credential", "CR", made)
    exactly(
        "a new credential",
        made,
        sid=made.sid,
        account_sid=ACCOUNT_SID,
        friendly_name=None,
        type="apn",
        sandbox="False",
        date_created=made.date_created,
        date_updated=made.date_updated,
        url=f"{URL}/{on.name}/Credentials/{made.sid}",
    )
    same("the credential fetched", shown(await on.do(credentials(made.sid).fetch)), shown(made))

    everything = {**APN, "api_key": "key", "secret": "secret", "friendly_name": "Phones", "sandbox": True}
    mine = [made.sid]
    for kind, sandbox in [("apn", "True"), ("gcm", None), ("fcm", None)]:
        made = await on.do(credentials.create, type=kind, **everything)
        has("a credential with everything", made, type=kind, friendly_name="Phones", sandbox=sandbox)
        mine.append(made.sid)
    changed = await on.do(credentials(mine[0]).update, **everything)
    has("a changed credential", changed, sid=mine[0], friendly_name="Phones", sandbox="True")
    now("credential.date_updated", changed.date_updated)
    same("the changed credential fetched", shown(await on.do(changed.fetch)), shown(changed))

    mine.append((await on.do(credentials.create, type="fcm", secret="secret")).sid)
    await pages_are_whole(on.library, "credentials", credentials, before + mine, size=2)

    await refused("a credential without a secret", on.do(credentials.create, type="fcm"), 400, 20001)
    await refused("a credential of no type", on.do(credentials.create, type="fax"), 400, 20001)
    for sid in mine:
        same("the answer to a delete", await on.do(credentials(sid).delete), True)
    await refused("a deleted credential", on.do(changed.fetch), 404, 20404)
