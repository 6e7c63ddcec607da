"""Errors of requests in the format of RFC 9457: the field, and what was expected."""

from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

_TITLES = {
    400: "Not understood",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    422: "Not understood",
    429: "Too many requests",
    503: "Not available",
}


@dataclass(frozen=True, slots=True)
class RequestProblem:
    """Why a request is refused. `field` is the part that is not valid, `expected` describes valid values."""

    status: int
    detail: str
    field: str | None = None
    expected: str | None = None
    retry_after: int | None = None


class ProblemError(Exception):
    """A request that is refused."""

    def __init__(self, problem: RequestProblem) -> None:
        """Refuse a request because of a problem."""
        super().__init__(problem.detail)
        self.problem = problem


def problem_response(problem: RequestProblem) -> Response:
    """Return the response to a request that is refused."""
    body = {
        "type": "about:blank",
        "title": _TITLES.get(problem.status, "Not possible"),
        "status": problem.status,
        "detail": problem.detail,
        "field": problem.field,
        "expected": problem.expected,
    }
    headers = {"Retry-After": str(problem.retry_after)} if problem.retry_after is not None else {}
    if problem.status == 401:  # noqa: PLR2004  # the status is its name
        headers["WWW-Authenticate"] = "Bearer"
    content = {name: value for name, value in body.items() if value is not None}
    return JSONResponse(content, problem.status, headers, "application/problem+json")
