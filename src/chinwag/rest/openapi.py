"""The description of the API, made from the route table: what is routed is described, and nothing else."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from chinwag import __version__, limits
from chinwag.rest.routes import OWN_ROUTES, ROUTES, Route
from chinwag.rest.version import OWN, Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chinwag.rest.params import Param
    from chinwag.rest.resource import Resource
    from chinwag.values import Schema

_NAMES = re.compile(r"\{(\w+)\}")

_ERROR: Schema = {
    "type": "object",
    "properties": {
        "code": {"type": "integer"},
        "message": {"type": "string"},
        "more_info": {"type": "string", "format": "uri"},
        "status": {"type": "integer"},
    },
    "required": ["code", "message", "more_info", "status"],
    "additionalProperties": False,
}

_WEBHOOK_HEADER: Schema = {
    "name": "X-Twilio-Webhook-Enabled",
    "in": "header",
    "description": "Whether webhooks are told of this request.",
    "schema": {"type": "string", "enum": ["true", "false"]},
}

_KEY_HEADER: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Under the same key the same request is carried out once, and answered alike.",
    "schema": {"type": "string", "minLength": 1, "maxLength": limits.KEY_CHARACTERS},
}

_REFUSALS = {
    HTTPStatus.BAD_REQUEST: "A parameter is missing or wrong.",
    HTTPStatus.UNAUTHORIZED: "Nobody known, or with the wrong secret.",
    HTTPStatus.NOT_FOUND: "What the path or a parameter names is not there.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.TOO_MANY_REQUESTS: "More than the operator allows, or wrong credentials again and again.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The store cannot be reached now.",
}
"""The refusals that many operations can give; those of a few are in the route table.

What is refused before anybody knows which operation is meant is described nowhere.
"""

_META: Schema = {
    "type": "object",
    "properties": {
        "page": {"type": "integer"},
        "page_size": {"type": "integer"},
        "first_page_url": {"type": "string", "format": "uri"},
        "previous_page_url": {"type": ["string", "null"], "format": "uri"},
        "url": {"type": "string", "format": "uri"},
        "next_page_url": {"type": ["string", "null"], "format": "uri"},
        "key": {"type": "string"},
    },
    "required": ["page", "page_size", "first_page_url", "previous_page_url", "url", "next_page_url", "key"],
}


def description(base: str) -> dict[str, Any]:
    """Return the API as an OpenAPI 3.1 document, served at `base`."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Schema] = {"Error": _ERROR, "Meta": _META}
    for prefix, version, route in all_routes():
        if route.gives is not None:
            schemas[_schema_name(route.gives, version)] = _resource(route.gives, version)
        paths.setdefault(prefix + route.path, {})[route.method.lower()] = _operation(route, version)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chinwag",
            "version": __version__,
            "description": "A self-hosted server for the Programmable Chat API.",
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base}],
        "security": [{"basic": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "Account SID and auth token, or API key SID and secret.",
                }
            },
            "schemas": schemas,
        },
    }


def all_routes() -> Iterator[tuple[str, Version, Route]]:
    """Return every route with what it stands below, and the version in which it shows things."""
    for version in Version:
        yield from ((version.path, version, route) for route in ROUTES if route.since <= version)
    yield from ((OWN, max(Version), route) for route in OWN_ROUTES)


def _operation(route: Route, version: Version) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": f"{route.operation.__name__}_{_noun(route)}_v{version.value}",
        "summary": (route.operation.__doc__ or "").strip(),
        "responses": {str(route.status): _success(route, version), **_failures(route)},
    }
    parameters: list[Schema] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _NAMES.findall(route.path)
    ]
    if route.pages is not None:
        parameters += [
            {"name": param.name, "in": "query", "description": param.says, "schema": param.schema}
            for param in route.pages.params.of(version)
        ]
    if route.webhook_header and version >= Version.V2:
        parameters.append(_WEBHOOK_HEADER)
    if route.makes:
        parameters.append(_KEY_HEADER)
    said["parameters"] = parameters
    if route.takes is not None:
        said["requestBody"] = {
            "required": any(param.required for param in route.takes.of(version)),
            "content": {"application/x-www-form-urlencoded": {"schema": _body(route.takes.of(version))}},
        }
    return said


def _noun(route: Route) -> str:
    """Return the name of the file that has the operation: each noun has one."""
    return route.operation.__module__.rpartition(".")[2]


def _body(params: tuple[Param, ...]) -> Schema:
    required = [param.name for param in params if param.required]
    return {
        "type": "object",
        "properties": {param.name: {**param.schema, "description": param.says} for param in params},
        **({"required": required} if required else {}),
    }


def _success(route: Route, version: Version) -> dict[str, Any]:
    if route.gives is None:
        return {"description": "Done."}
    schema: Schema = {"$ref": f"#/components/schemas/{_schema_name(route.gives, version)}"}
    if route.pages is not None:
        schema = {
            "type": "object",
            "properties": {
                "meta": {"$ref": "#/components/schemas/Meta"},
                route.gives.key: {"type": "array", "items": schema},
            },
            "required": ["meta", route.gives.key],
        }
    return {"description": route.gives.says, "content": {"application/json": {"schema": schema}}}


def _failures(route: Route) -> dict[str, Any]:
    says = {status: text for status, text in _REFUSALS.items() if _can_give(route, status)}
    for kind in route.refuses:
        says[kind.status] = f"{says.get(kind.status, '')} {kind.text} ({kind.code}).".strip()
    return {str(status.value): _failure(says[status]) for status in sorted(says)}


def _can_give(route: Route, status: HTTPStatus) -> bool:
    match status:
        case HTTPStatus.NOT_FOUND:
            return "{" in route.path
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return route.method != "GET"
        case _:
            return True


def _failure(says: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": says, "content": {"application/json": {"schema": schema}}}


def _schema_name(resource: Resource, version: Version) -> str:
    return f"{resource.name}V{version.value}"


def _resource(resource: Resource, version: Version) -> Schema:
    properties: dict[str, Schema] = {
        field.name: field.schema for field in resource.fields if field.of(version)
    }
    if resource.url_since <= version:
        properties["url"] = {"type": "string", "format": "uri"}
    links = [link for link in resource.links if link.since <= version]
    if links:
        properties["links"] = {
            "type": "object",
            "properties": {
                link.name: {"type": ["string", "null"] if link.attributes else "string", "format": "uri"}
                for link in links
            },
            "required": [link.name for link in links],
        }
    return {
        "type": "object",
        "description": resource.says,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
