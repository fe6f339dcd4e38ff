"""How a command of the command line runs to its end, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from chinwag.app import CannotStartError
from chinwag.auth.token_refusal import TokenRefusedError
from chinwag.errors import ApiError
from chinwag.storage.store import StoreCannotOpenError

if TYPE_CHECKING:
    from collections.abc import Coroutine


def run_to_the_end(work: Coroutine[Any, Any, None], loop_factory: Any = None) -> int:  # noqa: ANN401
    """Run to the end, and turn what an operator can mend into one line. Return the exit status."""
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(work)
    except (CannotStartError, StoreCannotOpenError) as error:
        print(f"chinwag: {error}", file=sys.stderr)
        return 1
    except TokenRefusedError as error:
        print(f"chinwag: {error.detail}", file=sys.stderr)
        return 1
    except ApiError as error:
        print(f"chinwag: {error.detail or error.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
