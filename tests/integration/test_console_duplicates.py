"""Pages about runs of deduplication over HTTP: groups filtered and sorted as a whole, saved as shown, decided on."""

import asyncio
import csv
import io
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from services.api.console import sections
from services.classification.pipeline import CLASSIFICATION
from services.deduplication.console.tables import MOST_OPENED, Tables
from services.deduplication.decisions import blacklist, overrides
from services.deduplication.runs.store import Status, end, pin
from shared.database import Database
from shared.errors import UsageError
from shared.settings import DatabaseSettings
from tests.integration.api_server import serving, settings_for
from tests.integration.console_pages import expect_whole, text_of
from tests.integration.dedupe_here import FORMULA, MARKUP, Here, as_source, begin_run, companies, complete_run

NO_BROKER = "127.0.0.1:1"
ANY = "min_size=1&threshold="


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(console_url: str) -> AsyncIterator[Database]:
    async with Database(DatabaseSettings(url=SecretStr(console_url))) as database:
        yield database


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(console_run: Here, console_url: str) -> AsyncIterator[httpx.AsyncClient]:
    storage = {"SLUICE_DEDUPE_STORAGE": console_run.place.address}
    async with serving(settings_for(NO_BROKER, console_url, **storage), CLASSIFICATION) as client:
        client.headers["origin"] = str(client.base_url)
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def begun(console_run: Here, database: Database) -> str:
    """A run on which nobody works."""
    return await begin_run(database, console_run.place, companies(20))


@pytest.fixture(scope="module")
def groups(console_run: Here) -> list[dict[str, Any]]:
    """All groups with their records, as the run has made them."""
    members: dict[str, list[dict[str, Any]]] = {}
    for record in console_run.table("decisions").to_pylist():
        members.setdefault(record["group_id"], []).append(record)
    return [{**row, "members": members[row["group_id"]]} for row in console_run.table("group_stats").to_pylist()]


def shown(answer: httpx.Response) -> list[str]:
    """Ids of the groups on a page, in their order."""
    assert answer.status_code == 200, text_of(answer)
    return re.findall(r'id="in-([0-9a-f]+)"', answer.text)


async def look(console: httpx.AsyncClient, run: Here, query: str = "", page: str = "groups") -> httpx.Response:
    return await console.get(f"/console/duplicates/{page}?run={run.run.run_id}&{query}")


def largest(groups: list[dict[str, Any]], names: int = 3) -> dict[str, Any]:
    """A group of several names."""
    fitting = [group for group in groups if len({one["name"] for one in group["members"]}) >= names]
    return max(fitting, key=lambda group: group["group_size"])


async def test_every_page_is_whole(
    console: httpx.AsyncClient, console_run: Here, begun: str, groups: list[dict[str, Any]]
) -> None:
    run, group = console_run.run.run_id, largest(groups)["group_id"]
    for path in (
        *(
            "",
            "?run_type=test",
            "/decisions",
            "/maintenance?keep=0",
            "/command",
            f"/run?run={run}",
            f"/run?run={begun}",
        ),
        *(f"/groups?run={run}", f"/groups?run={run}&{ANY}&rows=500&page=2", f"/groups?run={run}&text=no such name"),
        *(f"/group?run={run}&group={group}&view={view}" for view in ("edges", "complete", "single")),
    ):
        answer = await console.get(f"/console/duplicates{path}")
        expect_whole(answer)
        assert '<a href="/console/duplicates" aria-current="page">' in answer.text


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("", lambda group: group["group_size"] > 1 and group["max_score"] == 100),
        ("threshold=", lambda group: group["group_size"] > 1),
        ("threshold=92&min_size=3", lambda group: group["group_size"] > 2 and group["max_score"] >= 92),
        (f"{ANY}&disposition=Verify", lambda group: group["disposition"] == "Verify"),
        (f"{ANY}&mismatch=yes", lambda group: len({one["suffix_class"] for one in group["members"]}) > 1),
        (f"{ANY}&aliases=yes", lambda group: any(one["alias_cross_refs"] for one in group["members"])),
        (f"{ANY}&text=FOODS", lambda group: any("foods" in one["name_raw"].lower() for one in group["members"])),
        (f"{ANY}&text=.*", lambda group: any(".*" in one["name_raw"] for one in group["members"])),
    ],
)
@pytest.mark.parametrize(
    ("order", "key", "turned"),
    [
        ("sort=size&order=descending", lambda group: -group["group_size"], False),
        ("sort=score&order=ascending", lambda group: group["max_score"], False),
        ("sort=name&order=descending", lambda group: group["primary_name"].lower().encode(), True),
    ],
)
async def test_pages_are_parts_of_all_that_fit_in_their_order(
    console: httpx.AsyncClient,
    console_run: Here,
    groups: list[dict[str, Any]],
    query: str,
    fits: Any,
    order: str,
    key: Any,
    turned: bool,
) -> None:
    by_id = sorted(filter(fits, groups), key=lambda group: str(group["group_id"]))
    expected = [group["group_id"] for group in sorted(by_id, key=key, reverse=turned)]
    if turned:  # ids stay in their order among equal names
        names = {group["group_id"]: key(group) for group in by_id}
        expected = [one for name in sorted(set(names.values()), reverse=True) for one in names if names[one] == name]
    found: list[str] = []
    for page in range(1, len(expected) // 100 + 2):
        found += shown(await look(console, console_run, f"{query}&{order}&rows=100&page={page}"))
    assert found == expected
    said = text_of(await look(console, console_run, query))
    assert f"{len(expected):,} group(s)" in said


async def test_a_page_has_as_many_rows_as_wanted_and_leads_to_the_next(
    console: httpx.AsyncClient, console_run: Here, groups: list[dict[str, Any]]
) -> None:
    first = await look(console, console_run, f"{ANY}&sort=name&order=ascending")
    assert len(shown(first)) == 50
    assert len(shown(await look(console, console_run, f"{ANY}&rows=500"))) == 500
    (following,) = re.findall(r'href="([^"]+)" rel="next"', first.text)
    second = await console.get(following.replace("&amp;", "&"))
    assert shown(second) == shown(await look(console, console_run, f"{ANY}&sort=name&order=ascending&page=2"))
    assert not set(shown(first)) & set(shown(second))
    assert shown(await look(console, console_run, f"{ANY}&page=2000000000")) == []
    at = Counter(
        {bucket: sum(g["group_size"] > 1 and g["max_score"] >= bucket for g in groups) for bucket in (100, 95)}
    )
    assert f"100: {at[100]:,} from 95: {at[95]:,} from 92:" in text_of(await look(console, console_run))


@pytest.mark.parametrize(
    "query", ["", "threshold=95&sort=name&order=ascending", f"{ANY}&text=HYPERLINK", "text=none%20"]
)
async def test_the_file_has_exactly_what_is_filtered(
    console: httpx.AsyncClient, console_run: Here, groups: list[dict[str, Any]], query: str
) -> None:
    expected = shown(await look(console, console_run, f"{query}&rows=500"))
    answer = await look(console, console_run, query, "export")
    threshold = "any" if query.startswith(ANY) else "95" if "95" in query else "100"
    name = f"groups-{console_run.run.run_id}-threshold-{threshold}.csv"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["group_id"] for row in rows][:500] == expected
    assert answer.text.startswith('"group_id","group_size","max_score"')
    records = await look(console, console_run, f"{query}&what=records", "export")
    saved = [(row["group_id"], row["account_id"]) for row in csv.DictReader(io.StringIO(records.text))]
    of_group = {group["group_id"]: group["members"] for group in groups}
    assert Counter(saved) == Counter(
        (row["group_id"], one["account_id"]) for row in rows for one in of_group[row["group_id"]]
    )
    assert list(dict.fromkeys(group for group, _ in saved)) == [row["group_id"] for row in rows]


async def test_names_are_shown_as_they_are_and_no_cell_is_a_formula(
    console: httpx.AsyncClient, console_run: Here, groups: list[dict[str, Any]]
) -> None:
    (markup,) = (group for group in groups if group["primary_name"] == MARKUP)
    assert markup["group_size"] == 2
    paths = (f"groups?{ANY}&text=%3Cscript&", f"group?group={markup['group_id']}&view=single&")
    for path in (
        "?",
        *(f"/{path}run={console_run.run.run_id}" for path in paths),
        f"/run?run={console_run.run.run_id}",
    ):
        page = (await console.get(f"/console/duplicates{path}")).text
        assert "&lt;" in page
        for raw in ("<script>alert", "<SCRIPT>ALERT", "companies <b>", "7*7}} Inc</h1><"):
            assert raw not in page
    for what in ("groups", "records"):
        saved = (await look(console, console_run, f"{ANY}&text=HYPERLINK&what={what}", "export")).text
        assert f'"\'{FORMULA}"' in saved
        assert f'"{FORMULA}"' not in saved


async def test_a_group_has_its_records_their_ways_and_how_alike_they_are(
    console: httpx.AsyncClient, console_run: Here, groups: list[dict[str, Any]]
) -> None:
    group = largest(groups)
    page = await look(console, console_run, f"group={group['group_id']}", "group")
    said = text_of(page)
    for record in group["members"]:
        assert record["account_id"] in page.text
        assert record["disposition_reason"].replace("_", " ") in said
    ways = [record for record in group["members"] if record["join_path"]]
    assert ways
    assert said.count("→") >= len(ways)
    counted = re.findall(r'<meter min="0" max="\d+" value="(\d+)"', page.text)
    size = group["group_size"]
    assert sum(map(int, counted)) == size * (size - 1) // 2
    assert f"sluice dedupe explain {group['members'][0]['account_id']}" in said


async def test_clusters_hold_every_record_once(
    console: httpx.AsyncClient, console_run: Here, groups: list[dict[str, Any]]
) -> None:
    group = largest(groups)
    expected = sorted(record["account_id"] for record in group["members"])
    for view, least in (("complete", 0), ("single", 1)):
        titles = []
        for threshold in (90, 100):
            query = f"group={group['group_id']}&view={view}&threshold={threshold}"
            page = (await look(console, console_run, query, "group")).text
            assert sorted(re.findall(r'name="account" value="(\w+)"', page)) == expected
            titles.append(re.findall(r"<caption>(Cluster \d+|In no cluster)", page))
        assert len(titles[1]) >= len(titles[0]) + least, "at 100 only records of one name are together"


async def test_an_alias_leads_from_group_to_group(
    console: httpx.AsyncClient, console_run: Here, groups: list[dict[str, Any]]
) -> None:
    naming = next(group for group in groups if any(one["alias_cross_refs"] for one in group["members"]))
    page = await look(console, console_run, f"group={naming['group_id']}", "group")
    named = re.findall(r'like\s+<a href="[^"]*group=([0-9a-f]+)"', page.text)
    assert named
    back = await look(console, console_run, f"group={named[0]}", "group")
    assert f"group={naming['group_id']}" in back.text
    assert "has an alias that names this group" in text_of(back)


async def test_a_group_is_decided_about_and_left_to_the_rules_again(
    console: httpx.AsyncClient, console_run: Here, database: Database, groups: list[dict[str, Any]]
) -> None:
    group = largest(groups)
    form = {"run": console_run.run.run_id, "group": group["group_id"], "by": "Ann <b>", "reason": "seen"}
    ids = {record["account_id"] for record in group["members"]}

    async def decide(disposition: str, *accounts: str) -> httpx.Response:
        fields = {**form, "disposition": disposition, "account": list(accounts)}
        return await console.post("/console/duplicates/decide", data=fields)

    done = await decide("Keep")
    assert done.status_code == 200, text_of(done)
    assert f"{len(ids)} are to be Keep" in text_of(done)
    assert "decided by Ann &lt;b&gt;" in done.text
    known = {one.account_id: one for one in await overrides(database)}
    assert {(known[one].disposition, known[one].reason, known[one].decided_by) for one in ids} == {
        ("Keep", "seen", "Ann <b>")
    }
    one = min(ids)
    assert "1 are to be Delete" in text_of(await decide("Delete", one))
    assert Counter(row.disposition for row in await overrides(database) if row.account_id in ids) == {
        "Keep": len(ids) - 1,
        "Delete": 1,
    }
    refused = await decide("Delete", one, "001000000000000AAA")
    assert (refused.status_code, "not in this group" in text_of(refused)) == (422, True)
    assert (await decide("Burn")).status_code == 400
    assert one in (await console.get("/console/duplicates/decisions")).text
    removed = await console.post("/console/duplicates/remove-overrides", data={"account": one})
    assert "1 left to the rules again." in text_of(removed)
    assert f"{len(ids) - 1} left to the rules again." in text_of(await decide("by the rules"))
    assert not ids & {row.account_id for row in await overrides(database)}


async def test_terms_go_on_the_blacklist_and_off_it(console: httpx.AsyncClient, database: Database) -> None:
    given = {"terms": "Some  <b>Term\r\n\r\nother term", "by": "Bea"}
    done = await console.post("/console/duplicates/add-terms", data=given)
    assert "2 on the blacklist" in text_of(done)
    assert "some &lt;b&gt;term" in done.text
    assert {("some <b>term", "Bea"), ("other term", "Bea")} <= {one[:2] for one in await blacklist(database)}
    gone = await console.post("/console/duplicates/remove-terms", data={"term": ["some <b>term", "other term"]})
    assert "2 taken off the blacklist." in text_of(gone)
    assert not {"some <b>term", "other term"} & {one.term for one in await blacklist(database)}
    assert (await console.post("/console/duplicates/add-terms", data={"terms": " "})).status_code == 422
    assert (await console.post("/console/duplicates/remove-terms", data={"term": ["none"]})).status_code == 422


async def test_a_run_shows_how_far_it_is(console: httpx.AsyncClient, console_run: Here, begun: str) -> None:
    going = await console.get(f"/console/duplicates/run?run={begun}")
    assert 'hx-trigger="every 2s"' in going.text
    assert "0 of 1" in text_of(going)
    still = await console.get(f"/console/duplicates/run?run={begun}&live=false")
    assert "Resume updates" in still.text
    assert "hx-trigger" not in still.text
    over = await console.get(f"/console/duplicates/run?run={console_run.run.run_id}")
    assert "hx-trigger" not in over.text
    said = text_of(over)
    assert f"Rows in {console_run.run.rows:,}" in said
    assert re.search(r"Keep \d.*Groups by size", said)
    listed = text_of(await console.get("/console/duplicates"))
    assert begun in listed
    assert console_run.run.run_id in listed


async def test_what_may_go_is_shown_before_it_goes(
    console: httpx.AsyncClient, console_run: Here, database: Database
) -> None:
    runs = [await begin_run(database, console_run.place, companies(rows), "test") for rows in (21, 22, 23)]
    for run in runs:
        assert await end(database, run, Status.FAILED, "for a test")
    kept, going, stays = runs
    answer = await console.post("/console/duplicates/pin", data={"run": kept, "pinned": "yes"})
    assert "It is kept." in text_of(answer)
    dry = await console.get("/console/duplicates/maintenance?keep=0&run_type=test")
    assert re.findall(r'name="run" value="(\w+)"', dry.text) and kept not in dry.text
    assert {going, stays} <= set(re.findall(r'name="run" value="(\w+)"', dry.text))
    folder = Path(console_run.place.address)
    assert (folder / going).is_dir()
    named = {"run": [going, kept, console_run.run.run_id], "keep": "0", "run_type": "test"}
    done = await console.post("/console/duplicates/prune", data=named)
    assert "1 removed; 2 may not go." in text_of(done)
    assert [(folder / run).is_dir() for run in (going, kept, stays, console_run.run.run_id)] == [
        False,
        True,
        True,
        True,
    ]
    assert (await console.post("/console/duplicates/prune", data={"keep": "0"})).status_code == 422
    assert await pin(database, kept, False)


async def test_tables_are_opened_once_and_closed_again(
    console: httpx.AsyncClient, console_run: Here, database: Database
) -> None:
    tables, run_id = Tables(console_run.place), console_run.run.run_id
    one, other = await asyncio.gather(tables.of(database, run_id), tables.of(database, run_id))
    assert one is other
    assert (tables.count, tables.clear(), tables.count) == (1, 1, 0)
    await look(console, console_run)
    assert "1 run(s) closed." in text_of(await console.post("/console/duplicates/clear", data={"": ""}))
    assert "0 run(s) are open" in text_of(await console.get("/console/duplicates/maintenance"))


async def test_of_many_runs_the_last_ones_stay_open(console_run: Here, database: Database) -> None:
    tables, run = Tables(console_run.place), console_run.run
    ended = "UPDATE dedupe_runs SET ended_at = $2 WHERE run_id = $1"
    assert run.ended_at
    for number in range(MOST_OPENED, -1, -1):  # with another end it is another run to them
        await database.execute(ended, run.run_id, run.ended_at + timedelta(seconds=number))
        await tables.of(database, run.run_id)
    assert tables.count == MOST_OPENED


async def test_files_that_are_damaged_are_told_of(
    console: httpx.AsyncClient, console_run: Here, database: Database
) -> None:
    rows = [(f"001Xy0000000{place:03}", "Acme Inc", "2024-01-01", *[""] * 5) for place in range(4)]
    damaged = await complete_run(database, console_run.place, as_source(rows), "dev")
    (table,) = (output.file for output in damaged.made.outputs["disposition", 0] if output.artifact == "decisions")
    await asyncio.to_thread(Path(console_run.place.address, table.path).write_bytes, b"nothing")
    answer = await look(console, damaged)
    assert answer.status_code == 404
    assert "is not as it was written" in text_of(answer)
    assert "--resume" in text_of(answer)
    with pytest.raises(UsageError):
        await (tables := Tables(console_run.place)).of(database, damaged.run.run_id)
    assert tables.count == 0
    assert await database.execute("DELETE FROM dedupe_runs WHERE run_id = $1", damaged.run.run_id) == "DELETE 1"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("groups?run=none", 404),
        ("groups?run=<b>", 400),
        ("groups?run={begun}", 404),
        ("groups?run={run}&threshold=89", 400),
        ("groups?run={run}&threshold=101", 400),
        ("groups?run={run}&rows=51", 400),
        ("groups?run={run}&page=0", 400),
        ("groups?run={run}&sort=group_id", 400),
        ("groups?run={run}&min_size=-1", 400),
        ("groups?run={run}&text=%00%25_", 200),
        ("group?run={run}&group=0123", 404),
        ("group?run={run}&group=../x", 400),
        ("run?run=none", 404),
        ("run", 400),
        ("maintenance?keep=-1", 400),
        ("command?profile=<b>", 400),
        ("command?file=a%0Ab", 400),
        ("nothing", 404),
        ("decide", 404),
    ],
)
async def test_what_makes_no_sense_is_answered_by_a_page(
    console: httpx.AsyncClient, console_run: Here, begun: str, path: str, status: int
) -> None:
    answer = await console.get("/console/duplicates/" + path.format(run=console_run.run.run_id, begun=begun))
    assert answer.status_code == status, text_of(answer)
    assert answer.text.startswith("<!doctype html>")
    assert "<b>" not in answer.text


async def test_the_command_is_as_a_shell_takes_it(console: httpx.AsyncClient) -> None:
    query = {"file": "my accounts;rm.csv", "profile": "strict", "shards": "8", "workers": "", "run_type": "test"}
    page = (await console.get("/console/duplicates/command", params=query)).text
    line = "sluice dedupe run 'my accounts;rm.csv' --output results --profile strict --shards 8 --run-type test"
    assert line.replace("'", "&#39;") in page
    resumed = (await console.get("/console/duplicates/command?resume=a_run&stage=alias")).text
    assert "sluice dedupe run --output results --resume a_run --from alias<" in resumed


async def test_a_page_that_takes_too_long_is_given_up(
    console: httpx.AsyncClient, console_run: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sections, "PAGE_SECONDS", 0.0)
    answer = await look(console, console_run)
    assert (answer.status_code, "Ask for less" in text_of(answer)) == (503, True)


async def test_another_site_can_change_nothing(console: httpx.AsyncClient, database: Database) -> None:
    terms = await blacklist(database)
    elsewhere = {"origin": "https://elsewhere.example"}
    for action in ("decide", "add-terms", "remove-terms", "remove-overrides", "prune", "clear", "pin"):
        answer = await console.post(f"/console/duplicates/{action}", data={"terms": "x"}, headers=elsewhere)
        assert answer.status_code == 403
    assert await blacklist(database) == terms
