"""The server answers as its own description says, whatever it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chinwag.rest.openapi import description

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import BaseSchema, Case

    from chinwag.settings import Settings
    from support.api import Api

pytestmark = pytest.mark.check(21)

PATHS = description("http://localhost")["paths"]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]

LIKELY = st.sampled_from([True, True, True, False])

bounded = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as found:
        found.trust_env = False  # no proxy between this machine and itself
        yield found


@pytest.fixture(scope="module")
def described(server: tuple[str, Settings], session: requests.Session) -> BaseSchema:
    """The API, as the server describes it."""
    base, _ = server
    return schemathesis.openapi.from_dict(session.get(f"{base}/openapi.json").json())


@pytest.mark.usefixtures("anyio_backend")
@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_one_that_is_described(
    api: Api, there: dict[str, object], described: BaseSchema, session: requests.Session, path: str
) -> None:
    @given(st.data(), LIKELY, LIKELY)
    @bounded
    def ask(method: str, data: st.DataObject, known_path: bool, known_form: bool) -> None:
        mode = data.draw(st.sampled_from(GenerationMode))
        case: Case = data.draw(described[path][method].as_strategy(generation_mode=mode))
        if known_path:
            case.path_parameters = {name: there[name] for name in case.path_parameters or {}}
        if known_form and isinstance(case.body, dict):
            case.body = {name: there.get(name, value) for name, value in case.body.items()}

        answer = case.call(api.base, session, auth=(api.account_sid, api.auth_token))

        case.validate_response(answer, checks=CHECKS)

    for method in PATHS[path]:  # whatever deletes comes last
        ask(method)
