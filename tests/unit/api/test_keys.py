"""API keys as they are kept: what a line may be, and what is said about one that is wrong."""

from datetime import UTC, datetime, timedelta

import pytest

from services.api.keys import PREFIX, ApiKey, digest_of, match, named, new_key, parse_keys
from shared.errors import UsageError

DIGEST = digest_of(b"word")
HEX = DIGEST.hex()
LATER = datetime(2027, 1, 31, 12, tzinfo=UTC)


def test_names_hashes_and_expiries_are_read_and_comments_are_not() -> None:
    other = digest_of(b"other")
    content = f"# who loads prices\n\n  prices:{HEX}\r\nreports-2:{other.hex().upper()}:2027-01-31T14:00+02:00"
    assert parse_keys(content.encode()) == [ApiKey("prices", DIGEST), ApiKey("reports-2", other, LATER)]


@pytest.mark.parametrize("written", ["2027-01-31T12:00", "2027-01-31T12:00:00.9Z", "20270131T12"])
def test_a_time_without_a_zone_is_in_utc_and_counts_in_seconds(written: str) -> None:
    assert parse_keys(f"prices:{HEX}:{written}".encode()) == [ApiKey("prices", DIGEST, LATER)]


@pytest.mark.parametrize("key", [ApiKey("a", DIGEST), ApiKey("A.b-c_9", DIGEST, LATER)])
def test_a_line_is_read_as_it_was_written(key: ApiKey) -> None:
    assert parse_keys(key.line().encode()) == [key]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("prices", "line 2 is not a name"),
        (f"{HEX}", "line 2 is not a name"),
        ("prices:plain-key", "line 2 is not a name"),
        (f"prices:{HEX[1:]}", "line 2 is not a name"),
        (f"prices:{HEX}:", "line 2 is not a name"),
        (f"pri ces:{HEX}", "line 2 is not a name"),
        (f"{'n' * 65}:{HEX}", "line 2 is not a name"),
        (f"prices:{HEX}:tomorrow", "line 2 has an expiry that is no time"),
        (f"prices:{HEX}:0001-01-01T00:00+01:00", "line 2 has an expiry that is no time"),
    ],
)
def test_a_wrong_line_is_named_but_not_repeated(line: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        parse_keys(f"# keys\n{line}\n".encode())
    assert caught.value.remedy
    assert all(part not in str(caught.value) for part in ("plain-key", HEX[1:], "tomorrow", "pri"))


def test_one_key_cannot_have_two_names() -> None:
    with pytest.raises(UsageError, match="line 3 has the key of line 1"):
        parse_keys(f"a:{HEX}\n\nb:{HEX}".encode())


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(UsageError, match="UTF-8"):
        parse_keys(b"\xff")


def test_a_key_is_of_no_use_from_its_expiry_on() -> None:
    key = ApiKey("a", DIGEST, LATER)
    assert [key.expired(LATER + timedelta(seconds=change)) for change in (-1, 0, 1)] == [False, True, True]
    assert not ApiKey("a", DIGEST).expired(LATER)


def test_new_keys_are_long_and_never_the_same() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith(PREFIX) and len(key) == len(PREFIX) + 43 for key in keys)


def test_a_key_is_found_by_its_digest_alone() -> None:
    keys = [ApiKey(word, digest_of(word.encode())) for word in ("a", "b", "c")]
    assert [match(keys, digest_of(word)) for word in (b"a", b"c", b"d", b"")] == [keys[0], keys[2], None, None]


@pytest.mark.parametrize("name", ["", "-a", "a b", "a:b", "ä", "a\n", "n" * 65])
def test_what_cannot_be_a_name(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        named(name)
