"""The figures of this process, as Prometheus reads them: requests, every step of the main path, pool, index, jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from dmha.server.gate import route_of
from dmha.types import Reply

if TYPE_CHECKING:
    from dmha.server.service import Service

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counted as it happens; what can be looked up is, when it is asked for."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "dmha_request_seconds", "Requests, by route.", ("method", "route", "status"), buckets=_SECONDS,
            registry=self._registry,
        )  # fmt: skip
        self._steps = Histogram(
            "dmha_step_seconds", "Steps of the main path.", ("step",), buckets=_SECONDS, registry=self._registry
        )
        self._left = Counter("dmha_requests_abandoned", "Requests whose client left.", registry=self._registry)
        self._held = Gauge("dmha_pool_held", "Calls at work or waiting.", registry=self._registry)
        self._tenants = Gauge("dmha_index_tenants", "Tenants whose arrays are held.", registry=self._registry)
        self._bytes = Gauge("dmha_index_bytes", "Bytes of the arrays.", registry=self._registry)
        self._jobs = Gauge("dmha_jobs_waiting", "Jobs that wait.", ("kind",), registry=self._registry)
        self._runs = Gauge("dmha_job_runs", "Slices of work so far.", ("kind",), registry=self._registry)
        self._failures = Gauge("dmha_job_failures", "Slices that failed.", ("kind",), registry=self._registry)
        self._worked = Gauge("dmha_job_seconds", "What they took.", ("kind",), registry=self._registry)

    def seen(self, scope: Any, status: int, seconds: float) -> None:
        """A request is over. Paths and methods that are no route's are counted as one: strangers make up many."""
        if not status:
            self._left.inc()
            return
        route = route_of(scope)
        method = "any" if route == "none" or status == 405 else scope["method"]
        self._requests.labels(method, route, str(status)).observe(seconds)

    def replied(self, reply: Reply) -> None:
        """A reply was given: how long each step took."""
        for name, step in reply.trace.items():
            self._steps.labels(name).observe(step.ms / 1_000)

    def told(self, service: Service) -> bytes:
        """All figures now."""
        self._held.set(service.pool.held)
        tenants, held = service.mind.index_size()
        self._tenants.set(tenants)
        self._bytes.set(held)
        for kind, waiting in service.scheduler.waiting().items():
            self._jobs.labels(kind).set(waiting)
        for kind, ran in service.scheduler.ran().items():
            self._runs.labels(kind).set(ran.runs)
            self._failures.labels(kind).set(ran.failures)
            self._worked.labels(kind).set(ran.seconds)
        return generate_latest(self._registry)
