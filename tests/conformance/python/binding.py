"""Bindings of a service and of a user, v2 only.

They were made for us: two of alice, three of zoë, and 55 of others, of which a page holds 50 at most.
"""

from __future__ import annotations

from checks import exactly, pages_are_whole, refused, same, say, shown, sids
from library import ACCOUNT_SID, PREPARED_SERVICE_SID, URL
from names import in_a_path

ZOE = "zoë@example.com"
MESSAGE_TYPES = ["new_message", "added_to_channel", "removed_from_channel", "invited_to_channel"]


async def lives(on):
    say("binding, v2")
    here = on.chat.services(PREPARED_SERVICE_SID)
    url = f"{URL}/v2/Services/{PREPARED_SERVICE_SID}"
    there = await on.do(here.bindings.list, identity=["alice", ZOE])
    one = there[-1]
    fields = {
        "sid": one.sid,
        "account_sid": ACCOUNT_SID,
        "service_sid": PREPARED_SERVICE_SID,
        "date_created": one.date_created,
        "date_updated": one.date_created,
        "endpoint": one.endpoint,
        "identity": ZOE,
        "credential_sid": one.credential_sid,
        "binding_type": "fcm",
        "message_types": MESSAGE_TYPES,
    }
    exactly(
        "a binding",
        one,
        **fields,
        url=f"{url}/Bindings/{one.sid}",
        links={"user": f"{url}/Users/{in_a_path(ZOE)}"},
    )
    same("the binding fetched", shown(await on.do(here.bindings(one.sid).fetch)), shown(one))

    five = sids(there)
    apn = {"binding_type": ["apn"], "identity": ["alice", ZOE]}
    of_apn = [binding.sid for binding in there if binding.binding_type == "apn"]
    same("bindings of apn", sids(await on.do(here.bindings.list, **apn)), of_apn)
    both = {"binding_type": ["apn", "fcm"], "identity": ["alice", ZOE]}
    await pages_are_whole(on.library, "bindings of both", here.bindings, five, size=2, **both)
    same("bindings of alice", sids(await on.do(here.bindings.list, identity=["alice"])), five[:2])
    same("bindings of nobody", await on.do(here.bindings.list, identity=["nobody"]), [])
    every = sids(await on.do(here.bindings.list))
    same("how many bindings there are", (len(every), every[:5]), (60, five))
    await pages_are_whole(on.library, "bindings", here.bindings, every, size=25)
    # The library asks for a page of 57.
    same("bindings, at most 57", sids(await on.do(here.bindings.list, limit=57)), every[:57])

    user = await on.do(here.users(in_a_path(ZOE)).fetch)
    of_user = here.users(in_a_path(ZOE)).user_bindings
    fetched = await on.do(of_user(one.sid).fetch)
    exactly(
        "a user binding",
        fetched,
        **fields,
        user_sid=user.sid,
        url=f"{url}/Users/{user.sid}/Bindings/{one.sid}",
    )
    await pages_are_whole(on.library, "bindings of zoë", of_user, five[2:], size=1)
    found = await on.do(of_user.list, binding_type=["fcm"])
    same("bindings of zoë and fcm", [binding.binding_type for binding in found], ["fcm", "fcm"])

    same("the answer to a delete", await on.do(of_user(one.sid).delete), True)
    await refused("a deleted binding", on.do(here.bindings(one.sid).fetch), 404, 20404)
    same("the answer to a delete", await on.do(here.bindings(five[0]).delete), True)
    left = await on.do(here.bindings.list, identity=["alice", ZOE])
    same("bindings left", sids(left), five[1:-1])
