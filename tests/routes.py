"""Every route of the OpenAPI file with a request that it serves: what attacks are made of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.testclient import TestClient

LINES = "application/x-ndjson"
PUBLIC = {"/livez", "/readyz", "/auth/token"}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "/auth/token"): {"key": "dmha_none_none"},
    ("patch", "/v1/memories/{id}"): {"pinned": True},
}
QUERIES = {("get", "/v1/knowledge"): {"entity": "aya", "attribute": "city"}}
NO_COMPANION = {"/v1/jobs", "/v1/jobs/{id}", "/auth/token", "/livez", "/readyz", "/metrics"}


@dataclass(frozen=True)
class Asked:
    """One request: what it is sent with; `id` stands in its path where the route has one."""

    method: str
    route: str
    body: dict[str, Any] | None = None
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None

    @property
    def named(self) -> str:
        return f"{self.method} {self.route}"

    def send(self, client: TestClient, id: str = "m_none", **headers: str) -> Any:
        """The answer to it."""
        path, given = self.route.replace("{id}", id), {**self.headers, **headers}
        if self.body is not None and self.content is None:
            given |= {"Content-Type": "application/json"}
        content = json.dumps(self.body).encode() if self.content is None and self.body is not None else self.content
        return client.request(self.method.upper(), path, params=self.query, headers=given, content=content)

    def having(self, **changed: Any) -> Asked:
        """The same request but for that."""
        return replace(self, **changed)


def every_route(client: TestClient) -> list[Asked]:
    """A request for each route and method that the OpenAPI file tells."""
    told = client.get("/openapi.json").json()
    return [_of(told, method, route) for route, methods in told["paths"].items() for method in methods]


def _of(told: dict[str, Any], method: str, route: str) -> Asked:
    content = told["paths"][route][method].get("requestBody", {}).get("content", {})
    query, headers, body, raw = dict(QUERIES.get((method, route), {})), dict[str, str](), None, None
    if "application/json" in content:
        schema = told["components"]["schemas"][content["application/json"]["schema"]["$ref"].rpartition("/")[2]]
        body = BODIES.get((method, route)) or schema["examples"][0]
    elif LINES in content:
        headers, raw = {"Content-Type": LINES}, b""
    if method == "patch":
        headers["If-Match"] = "*"
    if body is None or method == "patch":
        query |= {} if route in NO_COMPANION else {"agent_id": "relu"}
    return Asked(method, route, body, query, headers, raw)
