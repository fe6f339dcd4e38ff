"""What the model tests stand on."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("model")
