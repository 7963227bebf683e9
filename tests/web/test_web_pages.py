"""The pages of the web application, and that a room stands on either database."""

import re

import pytest
from open_surveys import opened, survey
from reading_rooms import FACTS, WRITE, QuickReader, film, is_refusal, over, read, room, send

from spondyl.review.database import connect, reading
from spondyl.review.store import open_store
from spondyl.web import card_page, templating
from spondyl.web.guard import AUDIT_POLICY, CONTENT_POLICY
from spondyl.web.migrating import VERSION_TABLE
from spondyl.web.tables import READINGS


@pytest.fixture
def client(tmp_path):
    with room(tmp_path / "room") as opened:
        yield opened


def test_the_room_s_page_loads_what_the_server_has_and_nothing_from_elsewhere(client):
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"] == CONTENT_POLICY
    loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert loaded
    for url in loaded:
        assert client.get(url).status_code == 200, url
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.text)


def test_scripts_and_styles_are_sent_as_what_they_are(client):
    page = client.get("/").text
    kinds = {".js": "text/javascript", ".css": "text/css"}
    for url in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        want = kinds["." + url.rsplit(".", 1)[1]]
        assert client.get(url).headers["content-type"].startswith(want)


@pytest.fixture
def template(monkeypatch):
    """A function that puts a text in the place of every template."""

    def put(text):
        monkeypatch.setattr(templating, "_text_of", lambda name: text)
        templating._environment.cache_clear()

    yield put
    templating._environment.cache_clear()


def test_a_page_s_words_are_escaped(template):
    template("<p>{{ words }}</p>")
    page = templating.page("a test's", words="<script>alert(1)</script>")
    assert b"<script>" not in page.body
    assert b"&lt;script&gt;" in page.body


def test_the_model_card_is_a_page_with_a_way_back_and_can_be_had_as_it_is_written(client):
    page = client.get("/card")
    assert page.headers["content-type"].startswith("text/html")
    assert "<h1>A card</h1>" in page.text
    assert '<a href="/">' in page.text
    card = client.get("/card.md")
    assert card.text == FACTS.card
    assert card.headers["content-type"] == "text/plain; charset=utf-8"


CARD = r"""# A \*card\*

> **Not for \<care\>**

## Details

- **Name.** a\|b \_x\_ <script>alert(1)</script>
- **Other.** 5 < 6

| answer | check |
| --- | --- |
| pass | a \| b |
| fail | **c** |

and **so on
""".replace("\\\\", "\\")


def test_a_card_s_marks_become_a_page_and_its_words_stay_words():
    title, warning, heading, facts, table, text = card_page.blocks(CARD)
    assert (title.kind, title.text) == ("title", "A *card*")
    assert (warning.kind, warning.text) == ("warning", "<strong>Not for &lt;care&gt;</strong>")
    assert (heading.kind, heading.text) == ("heading", "Details")
    assert facts.items == (
        "<strong>Name.</strong> a|b _x_ &lt;script&gt;alert(1)&lt;/script&gt;",
        "<strong>Other.</strong> 5 &lt; 6",
    )
    assert table.rows == (("answer", "check"), ("pass", "a | b"), ("fail", "<strong>c</strong>"))
    assert (text.kind, text.text) == ("text", "and <strong>so on</strong>")


def test_an_audit_is_shown_under_a_policy_that_runs_no_script(tmp_path):
    with room(tmp_path / "room", audit="<style>p {}</style><p>checks</p>") as client:
        assert client.get("/api/bundle").json()["audit_url"] == "/audit"
        assert 'href="/audit"' in client.get("/").text
        page = client.get("/audit")
        assert "checks" in page.text
        assert '<a href="/">' in page.text
        assert page.headers["content-security-policy"] == AUDIT_POLICY
        assert "script" not in AUDIT_POLICY


def test_where_no_audit_was_given_none_is_told_of(client):
    assert client.get("/api/bundle").json()["audit_url"] is None
    assert 'href="/audit"' not in client.get("/").text
    assert is_refusal(client.get("/audit"), 404)


def test_the_way_back_from_an_audit_stands_within_its_body(tmp_path):
    written = '<!doctype html><html><head></head><BODY class="a"><h1>Audit</h1></BODY></html>'
    with room(tmp_path / "room", audit=written) as client:
        before, after = client.get("/audit").text.split('<BODY class="a">')
        assert before == written.split("<BODY")[0]
        assert after.index('<a href="/">') < after.index("<h1>Audit</h1>")


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def is_page(answer, status: int) -> bool:
    """Whether a refusal is a page for people."""
    assert answer.status_code == status
    assert answer.headers["content-security-policy"] == CONTENT_POLICY
    return answer.headers["content-type"].startswith("text/html") and "<h1>" in answer.text


def test_a_person_is_refused_by_a_page_and_a_program_by_two_keys(client):
    gone = client.get("/gone<script>", headers=BROWSER)
    assert is_page(gone, 404)
    assert "There is nothing here" in gone.text
    assert "the whole link of their invitation" in gone.text
    assert '<a href="/">' in gone.text
    assert "script" not in gone.text
    assert is_refusal(client.get("/gone"), 404)
    assert is_refusal(client.get("/gone", headers={"Accept": "application/json"}), 404)
    assert is_refusal(client.get(f"/api/readings/{'0' * 32}", headers=BROWSER), 404)
    foreign = client.get("/", headers=BROWSER | {"Host": "evil.example"})
    assert is_page(foreign, 400)
    assert "--allow-host" in foreign.text


def test_whom_no_proxy_names_is_told_so_by_a_page(tmp_path):
    with room(tmp_path / "room", trust_header="X-Remote-User") as client:
        assert is_page(client.get("/", headers=BROWSER), 401)
        assert is_refusal(client.get("/api/readings", headers=BROWSER), 401)


def test_a_bad_invitation_is_told_by_a_page_that_names_no_other(tmp_path):
    with opened(tmp_path) as (client, _, _):
        page = client.get(f"/review/{'a' * 43}", headers=BROWSER)
        assert is_page(page, 404)
        assert "Copy the whole link" in page.text
        assert "aaaa" not in page.text
        assert '<a href="/">' not in page.text


def test_without_a_survey_there_is_none_of_its_pages(client):
    assert is_refusal(client.get(f"/review/{'a' * 43}"), 404)
    assert is_refusal(client.get(f"/api/review/{'a' * 43}/step"), 404)


def test_a_survey_s_page_is_for_those_who_are_invited(tmp_path):
    with opened(tmp_path) as (client, _, invite):
        assert is_refusal(client.get(f"/review/{'a' * 43}"), 404)
        page = client.get(f"/review/{invite('reader-1')}")
        assert page.status_code == 200
        assert survey().title in page.text
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"


# on PostgreSQL


@pytest.fixture
def database(request):
    return request.getfixturevalue("server").emptied()


def test_a_room_on_postgresql_reads_goes_on_and_forgets(tmp_path, database):
    reader = QuickReader()
    with room(tmp_path, reader, database) as client:
        sent = send(client, film(), film(seed=1)).json()["readings"]
        assert reader.begun.wait(10)
        place = f"/api/readings/{sent[1]['id']}"
        assert client.get(place).json()["position"] == 1
        reader.gate.set()
    with room(tmp_path, None, database) as client:
        assert {over(client, one["id"])["state"] for one in sent} == {"done"}
        for one in sent:
            assert client.delete(f"/api/readings/{one['id']}", headers=WRITE).status_code == 204
    engine = connect(database)
    with reading(engine) as connection:
        assert connection.execute(READINGS.select()).all() == []
    engine.dispose()
    assert not list((tmp_path / "readings").iterdir())


def test_a_room_and_a_survey_share_a_database_and_neither_minds(tmp_path, database):
    open_store(database).close()
    with room(tmp_path, None, database) as client:
        assert read(client, film())[0]["state"] == "done"
    open_store(database).close()
    engine = connect(database)
    with engine.connect() as connection:
        for table in (VERSION_TABLE, "alembic_version"):
            assert connection.exec_driver_sql(f"SELECT * FROM {table}").all()
    engine.dispose()


def test_a_room_that_a_newer_version_wrote_is_refused(tmp_path):
    from spondyl.errors import SpondylError
    from spondyl.web.readings_store import DATABASE, open_readings

    open_readings(tmp_path).close()
    engine = connect(tmp_path / DATABASE)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = 'v99'")
    engine.dispose()
    with pytest.raises(SpondylError, match="newer version"):
        open_readings(tmp_path)


def test_the_table_is_the_one_that_the_migrations_make(tmp_path):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from spondyl.web.readings_store import DATABASE, open_readings
    from spondyl.web.tables import METADATA

    open_readings(tmp_path).close()
    engine = connect(tmp_path / DATABASE)
    with engine.connect() as connection:
        options = {"version_table": VERSION_TABLE}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []
    engine.dispose()
