"""What clients are owed is written in one piece, and one client never holds up the others."""

from __future__ import annotations

import pytest

from chinwag.realtime import client as clients
from chinwag.realtime.frames import message
from realtime.parts import BrokenSocket, Turn, a_client

ONE, TWO = message(b"1"), message(b"2")


def test_what_is_owed_in_one_turn_is_written_in_order_and_in_one_piece() -> None:
    turn = Turn()
    client, socket = a_client(turn.outbox)

    client.tell(ONE)
    client.send(b"2")
    client.tell(ONE)
    assert socket.writes == 0
    turn.end()

    assert (socket.written, socket.writes) == (ONE + TWO + ONE, 1)


def test_it_is_noted_whether_a_client_was_told_of_something() -> None:
    client, _ = a_client(Turn().outbox)

    client.send(b"1")
    assert not client.told
    client.tell(TWO)

    assert client.told


@pytest.mark.check(8)
def test_who_reads_too_slowly_is_cut_off_and_nobody_else() -> None:
    turn = Turn()
    slow, reluctant = a_client(turn.outbox, "slow")
    quick, socket = a_client(turn.outbox, "quick")

    reluctant.waiting = clients.BUFFER_BYTES
    slow.tell(ONE)
    turn.end()
    assert not reluctant.aborted
    reluctant.waiting += 1
    for client in (slow, quick):
        client.tell(ONE)
    turn.end()
    for client in (slow, quick):
        client.tell(TWO)
    turn.end()

    assert reluctant.aborted
    assert reluctant.written == ONE + ONE
    assert (socket.aborted, socket.written) == (False, ONE + TWO)


@pytest.mark.check(8)
def test_a_client_whose_connection_is_broken_harms_nobody() -> None:
    turn = Turn()
    first, first_socket = a_client(turn.outbox, "first")
    broken, broken_socket = a_client(turn.outbox, "broken", BrokenSocket())
    last, last_socket = a_client(turn.outbox, "last")

    for wire in (ONE, TWO):
        for client in (first, broken, last):
            client.tell(wire)
        turn.end()

    assert first_socket.written == last_socket.written == ONE + TWO
    assert broken_socket.aborted


def test_a_client_is_dropped_once_and_told_nothing_more() -> None:
    turn = Turn()
    client, socket = a_client(turn.outbox)
    client.tell(ONE)

    client.drop("of a test")
    client.drop("of a test")
    client.tell(TWO)
    turn.end()

    assert (client.gone, socket.aborted, socket.written) == (True, True, b"")
