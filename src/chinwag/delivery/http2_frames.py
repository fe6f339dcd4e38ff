"""The frames of HTTP/2, as a client of ours wants them from h2, which is imported with this file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import ConnectionInputs, H2Connection, H2ConnectionStateMachine
from h2.settings import SettingCodes, Settings

if TYPE_CHECKING:
    from h2.events import Event


def new_frames() -> H2Connection:
    """Return what makes and reads the frames of a new connection."""
    # What is sent is ours, and need not be looked at once more.
    found = H2Connection(H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False))
    found.state_machine = _States()
    found.local_settings = Settings(
        client=True,
        initial_values={
            SettingCodes.ENABLE_PUSH: 0,
            SettingCodes.MAX_HEADER_LIST_SIZE: H2Connection.DEFAULT_MAX_HEADER_LIST_SIZE,
        },
    )
    return found


class _States(H2ConnectionStateMachine):
    """Goes on after a farewell: the other side may still answer, though h2 takes it for the end of all."""

    def process_input(self, input_: ConnectionInputs) -> list[Event]:
        return [] if input_ is ConnectionInputs.RECV_GOAWAY else super().process_input(input_)
