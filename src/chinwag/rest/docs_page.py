"""The description of the API as a page for people. It loads nothing: no script, no font, no other server."""

from __future__ import annotations

from html import escape
from typing import Any, TypeAlias

_Row: TypeAlias = tuple[str, dict[str, Any], str]
"""A line of a table: name, schema, and what is said about it."""

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 2rem 1rem; }
code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: 6px; margin: 0.5rem 0; }
summary { cursor: pointer; padding: 0.5rem 0.75rem; }
summary span { opacity: 0.7; margin-left: 0.75rem; }
details > div { padding: 0 0.75rem 0.75rem; }
.method { display: inline-block; width: 4.5rem; font-weight: 600; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; border-top: 1px solid
var(--line); } pre { background: var(--soft); padding: 0.75rem; border-radius: 6px; overflow-x: auto; }
"""


def docs_page(description: dict[str, Any]) -> str:
    """Return an OpenAPI document as HTML."""
    base = description["servers"][0]["url"]
    operations = [
        _operation(path, method, operation, description["components"]["schemas"])
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Chinwag API</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Chinwag API</h1>
<p>{escape(description["info"]["description"])} Version {escape(description["info"]["version"])}.
The same as a document for programs: <a href="/openapi.json">openapi.json</a>.</p>
<p>Send your account SID and auth token, or an API key and its secret, with HTTP Basic.
Bodies are form-encoded.</p>
<pre>curl {escape(base)}/v1/Services -u "$ACCOUNT_SID:$AUTH_TOKEN" -d FriendlyName=Support</pre>
{"".join(operations)}
</body>
</html>
"""


def _operation(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    tables = [
        _table("Path and query", _parameters(operation)),
        _table("Body", _body(operation)),
        *(
            _table(f"Answer {status}", _fields(content["schema"], schemas))
            for status, answer in operation["responses"].items()
            for content in answer.get("content", {}).values()
            if status.startswith("2")
        ),
    ]
    return (
        f'<details><summary><span class="method">{method.upper()}</span><code>{escape(path)}</code>'
        f"<span>{escape(operation['summary'])}</span></summary><div>{''.join(tables)}</div></details>\n"
    )


def _parameters(operation: dict[str, Any]) -> list[_Row]:
    return [
        (param["name"], param["schema"], param.get("description", ""))
        for param in operation.get("parameters", [])
    ]


def _body(operation: dict[str, Any]) -> list[_Row]:
    if "requestBody" not in operation:
        return []
    (content,) = operation["requestBody"]["content"].values()
    body = content["schema"]
    required = body.get("required", [])
    return [
        (name, schema, schema["description"] + (" Required." if name in required else ""))
        for name, schema in body["properties"].items()
    ]


def _fields(schema: dict[str, Any], schemas: dict[str, Any]) -> list[_Row]:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[-1]]
    return [(name, field, "") for name, field in schema["properties"].items()]


def _table(title: str, rows: list[_Row]) -> str:
    if not rows:
        return ""
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(_type(schema))}</td><td>{escape(says)}</td></tr>"
        for name, schema, says in rows
    )
    return f"<h4>{escape(title)}</h4><table>{lines}</table>"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "enum" in schema:
        return " | ".join(schema["enum"])
    kind = schema.get("type", "")
    if kind == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("format", kind)) if isinstance(kind, str) else " or ".join(kind)
