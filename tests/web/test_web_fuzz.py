"""The API against what its own document allows and what it does not: never a fault of ours.

Schemathesis draws requests from /openapi.json, half of them for identifiers that are there. Each
answer has a status, a content type and a form that the document states, and every error two keys.
"""

import contextlib

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from open_surveys import answer_step, opened, step
from reading_rooms import WRITE, film, read, room
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from spondyl.web.limits import Limits

BASE = "http://127.0.0.1:8000"
QUICK, LONG = 5, 150
LIMITS = Limits(uploads_per_minute=10**6, guesses_per_minute=10**6, films_waiting=10**6)
CONFORM = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


def fuzz(client, n: int, own: dict[str, str], kept: tuple[str, ...] = ()) -> dict[str, int]:
    """How often each operation answered well to `n` requests that were drawn for it; `own` are
    parts of paths that are there, `kept` operations that must not meet them."""
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    asked = {}
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for result in schema.get_all_operations():
            operation = result.ok()
            use = {} if operation.label in kept else own
            well = ask(client, operation, mode, n, use)
            asked[operation.label] = asked.get(operation.label, 0) + well
    return asked


def ask(client, operation, mode, n: int, own: dict[str, str]) -> int:
    """How many of `n` requests of one operation were answered well."""
    well = 0

    @settings(
        max_examples=n,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), there=st.booleans())
    def one(case, there):
        nonlocal well
        if there:
            for name in own.keys() & (case.path_parameters or {}).keys():
                case.path_parameters[name] = own[name]
        sent = case.as_transport_kwargs(base_url=BASE)
        sent = {key: value for key, value in sent.items() if key in KEYS}
        sent["headers"] = {**sent.get("headers", {}), **WRITE}
        prepared = requests.Request(**sent).prepare()
        url = prepared.url.replace("\n", "")
        answer = client.request(
            prepared.method, url, headers=dict(prepared.headers), content=prepared.body
        )
        assert answer.status_code < 500, (case.as_curl_command(), answer.text)
        if answer.status_code >= 400:
            assert set(answer.json()) == {"error", "hint"}, answer.text
        else:
            well += 1
        case.validate_response(answer, checks=CONFORM)

    # where any text is allowed, nothing can be wrong
    nothing = Unsatisfiable if mode is GenerationMode.NEGATIVE else ()
    with contextlib.suppress(nothing):
        one()
    return well


KEYS = {"method", "url", "headers", "files", "data", "params", "auth", "cookies", "json"}


@pytest.mark.parametrize("n", [QUICK, pytest.param(LONG, marks=pytest.mark.slow)])
def test_no_request_to_the_reading_room_is_too_much_for_it(tmp_path, n):
    with room(tmp_path, limits=LIMITS) as client:
        (one,) = read(client, film())
        own = {"reading_id": one["id"], "network": "mean", "label": "scoliosis"}
        well = fuzz(client, n, own, ("DELETE /api/readings/{reading_id}",))
        assert client.get(f"/api/readings/{one['id']}").json()["state"] == "done"
    assert well["GET /api/readings/{reading_id}"] > 0
    assert well["GET /api/readings/{reading_id}/heatmaps/{network}/{label}.npy"] > 0


@pytest.mark.parametrize("n", [QUICK, pytest.param(LONG, marks=pytest.mark.slow)])
def test_no_request_to_the_survey_is_too_much_for_it(tmp_path, n):
    with opened(tmp_path, limits=LIMITS) as (client, _, invite):
        token = invite("reader-1")
        answer_step(client, token, step(client, token)["step"])
        well = fuzz(client, n, {"token": token, "name": "1-A.png"})
    assert well["GET /api/review/{token}/step"] > 0
    assert well["GET /api/review/{token}/pictures/{name}"] > 0
