"""Settings: where values come from, what is refused, what is shown."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from services.classification.boolean_review import BOOLEAN_REVIEW
from services.classification.currency import CURRENCY
from services.classification.family import FAMILY
from services.classification.final_review import FINAL_REVIEW
from services.classification.indicator_type import TYPE
from services.classification.pipeline import CLASSIFICATION
from services.classification.scale import SCALE
from services.classification.time_basis import TIME
from shared.errors import UsageError
from shared.llm.choice import parse_choice
from shared.service.models import asks
from shared.settings import VENDORS, KafkaSettings, Settings, describe


def test_without_variables_everything_has_its_documented_default() -> None:
    settings = Settings.load({})

    assert settings.kafka.bootstrap_servers is None
    assert settings.kafka.partitions == 12
    assert settings.database.url is None
    assert settings.runtime.batch_max_records == 1_000
    assert (settings.runtime.dead_letter_share, settings.runtime.dead_letter_window) == (0.05, 1_000)
    assert settings.runtime.dead_letter_in_row == 50
    assert (settings.feed.request_size, settings.feed.chunk_size, settings.feed.chunk_delay_ms) == (100, 25, 0)
    assert (settings.api.host, settings.api.max_indicators, settings.api.keys) == ("127.0.0.1", 100, ())
    assert settings.llm.provider_for("family") == "embedded"


@pytest.mark.parametrize("name", ["SLUICE_DATABASE_URL", "POSTGRES_URL", "DATABASE_URL"])
def test_every_accepted_name_of_the_database_url_is_read(name: str) -> None:
    settings = Settings.load({name: "postgresql://u:p@h/d"})

    assert settings.database.url is not None
    assert settings.database.url.get_secret_value() == "postgresql://u:p@h/d"


def test_our_own_name_wins_over_an_accepted_one() -> None:
    settings = Settings.load({"PG_MAX_POOL": "7", "SLUICE_DATABASE_POOL_MAX": "3"})

    assert settings.database.pool_max == 3


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.load({"SLUICE_KAFKA_PARTITIONS": " "}).kafka.partitions == 12


def test_providers_per_stage_by_long_and_short_name() -> None:
    llm = Settings.load(
        {"LLM_PROVIDER": "openai", "LLM_PROVIDER_FAMILY_ASSIGNMENT": "anthropic", "LLM_PROVIDER_TYPE": "local"}
    ).llm

    stages = ("family", "type", "boolean-review", "unheard-of")
    assert [llm.provider_for(stage) for stage in stages] == ["anthropic", "local", "openai", "openai"]
    assert [llm.own_provider(stage) for stage in stages] == ["anthropic", "local", None, None]


@pytest.mark.parametrize(
    ("stage", "variables"),
    {
        "time": ("LLM_PROVIDER_TIME_INFERENCE", "LLM_PROVIDER_TIME"),
        "scale": ("LLM_PROVIDER_SCALE_INFERENCE", "LLM_PROVIDER_SCALE"),
        "currency": ("LLM_PROVIDER_CURRENCY_CHECK", "LLM_PROVIDER_CURRENCY"),
    }.items(),
)
def test_only_its_own_variable_gives_a_facet_stage_a_language_model(stage: str, variables: tuple[str, ...]) -> None:
    assert Settings.load({"LLM_PROVIDER": "openai"}).llm.provider_for(stage) == "embedded"
    for variable in variables:
        assert Settings.load({variable: "OpenAI "}).llm.provider_for(stage) == "openai"


@pytest.mark.parametrize("stage", ["boolean-review", "boolean_review", "final-review"])
def test_reviews_have_a_provider_of_their_own(stage: str) -> None:
    name = f"LLM_PROVIDER_{stage.replace('-', '_').upper()}"

    assert Settings.load({name: "anthropic"}).llm.provider_for(stage) == "anthropic"


def test_configured_are_the_providers_with_a_key_or_a_place() -> None:
    keys = {"OPENAI_API_KEY": "a", "ANTHROPIC_API_KEY": "b", "GEMINI_API_KEY": "c"}

    assert Settings.load({}).llm.configured() == ("embedded",)
    assert Settings.load(keys).llm.configured() == ("embedded", "openai", "anthropic", "google")
    for variable, value in (
        ("LM_STUDIO_URL", "http://127.0.0.1:1234/v1"),
        ("SLUICE_LOCAL_URL", "http://127.0.0.1:1234/v1"),
        ("SLUICE_LOCAL_MODEL", "mistral-7b-instruct-v0.3"),
        ("LLM_PROVIDER_TYPE", "cascade:local"),
        ("SLUICE_LLM_FALLBACK", "local"),
    ):
        assert Settings.load({variable: value}).llm.configured() == ("embedded", "local")


def test_a_provider_without_its_key_is_refused_with_the_variable_to_set() -> None:
    llm = Settings.load({"LLM_PROVIDER": "cascade:anthropic", "SLUICE_LLM_FALLBACK": "embedded, openai"}).llm

    assert llm.named() == ("anthropic", "embedded", "openai")
    with pytest.raises(UsageError, match="'anthropic' has no key\nSet ANTHROPIC_API_KEY"):
        llm.check("cascade:anthropic")
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        llm.check("openai")
    with pytest.raises(UsageError, match="LM_STUDIO_URL"):
        llm.check("local")
    with pytest.raises(UsageError, match=r"'gpt' is not known\nChoose one of: embedded, openai"):
        llm.check("gpt")
    llm.check("embedded")


def test_each_vendor_has_its_model_address_key_and_limits() -> None:
    llm = Settings.load(
        {"OPENAI_BASE_URL": "http://h/v1", "SLUICE_OPENAI_RPM": "7", "GOOGLE_API_KEY": "k", "SLUICE_LOCAL_TPM": "9"}
    ).llm

    assert [llm.model_of(vendor) for vendor in VENDORS] == [
        "gpt-4o-mini",
        "claude-haiku-4-5",
        "gemini-2.5-flash",
        "mistral-7b-instruct-v0.3",
    ]
    assert [llm.base_url_of(vendor) for vendor in VENDORS] == ["http://h/v1", None, None, "http://127.0.0.1:1234/v1"]
    assert [llm.limits_for(vendor) for vendor in VENDORS] == [
        (7, 4_000_000),
        (1_000, 400_000),
        (300, 1_000_000),
        (0, 9),
    ]
    assert (key := llm.key_of("google")) is not None
    assert key.get_secret_value() == "k"
    assert llm.key_of("openai") is None
    with pytest.raises(LookupError):
        llm.model_of("embedded")


def test_budgets_of_questions_are_read_by_name() -> None:
    assert Settings.load({"SLUICE_LLM_BUDGET_TASKS": "family=1.5, type=2"}).llm.task_budgets() == {
        "family": 1.5,
        "type": 2.0,
    }


@pytest.mark.parametrize(
    ("text", "provider", "cascade"),
    [("openai", "openai", False), ("cascade:openai", "openai", True), (" Cascade:Local ", "local", True)],
)
def test_a_choice_may_ask_for_a_cascade(text: str, provider: str, cascade: bool) -> None:
    choice = parse_choice(text)

    assert (choice.provider, choice.cascade) == (provider, cascade)
    assert str(choice) == text.strip().lower()


def test_an_unknown_variable_with_our_prefix_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="SLUICE_KAFKA_BOOTSTRAP_SERVER") as caught:
        Settings.load({"SLUICE_KAFKA_BOOTSTRAP_SERVER": "h:9092", "SOME_OTHER": "1"})

    assert "SLUICE_KAFKA_BOOTSTRAP_SERVERS" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLUICE_KAFKA_PARTITIONS", "many"),
        ("SLUICE_KAFKA_PARTITIONS", "0"),
        ("SLUICE_KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("SLUICE_DEAD_LETTER_SHARE", "5"),
        ("LOG_LEVEL", "loud"),
        ("SLUICE_LLM_BATCH_ITEMS", "51"),
        ("SLUICE_LLM_BATCH_ITEMS", "0"),
        ("SLUICE_LLM_TIMEOUT_SECONDS", "0"),
        ("SLUICE_LLM_CASCADE_CONFIDENCE", "1.5"),
        ("SLUICE_LLM_BUDGET_DAY_USD", "-1"),
        ("SLUICE_LLM_BUDGET_TASKS", "family"),
        ("SLUICE_LLM_BUDGET_TASKS", "family=nan"),
        ("SLUICE_LLM_BUDGET_TASKS", "familly=1"),
        ("SLUICE_API_KEYS", ","),
        ("SLUICE_API_REQUESTS_PER_MINUTE", "0"),
        ("SLUICE_API_INDICATORS_PER_MINUTE", "99"),
        ("SLUICE_RETRY_DELAYS_SECONDS", " , "),
        ("SLUICE_REVIEW", "some"),
        ("OPENAI_BASE_URL", "api.openai.com"),
    ],
)
def test_an_impossible_value_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"wrong setting: .*{name}"):
        Settings.load({name: value})


def test_sasl_without_a_password_is_refused() -> None:
    with pytest.raises(UsageError, match="SLUICE_KAFKA_SASL_PASSWORD"):
        Settings.load({"SLUICE_KAFKA_SECURITY_PROTOCOL": "sasl_ssl", "SLUICE_KAFKA_SASL_USERNAME": "u"})


@pytest.mark.parametrize(
    ("given", "needed"),
    [
        ({"SLUICE_KAFKA_SASL_PASSWORD": "p"}, "SLUICE_KAFKA_SECURITY_PROTOCOL begins with SASL"),
        (
            {"SLUICE_KAFKA_SECURITY_PROTOCOL": "SSL", "SLUICE_KAFKA_SASL_USERNAME": "u"},
            "SLUICE_KAFKA_SECURITY_PROTOCOL begins with SASL",
        ),
        ({"SLUICE_KAFKA_SSL_CAFILE": "/ca.pem"}, "SLUICE_KAFKA_SECURITY_PROTOCOL ends with SSL"),
        ({"SLUICE_KAFKA_SSL_CERTFILE": "/c.pem"}, "SLUICE_KAFKA_SECURITY_PROTOCOL ends with SSL"),
        (
            {"SLUICE_KAFKA_SECURITY_PROTOCOL": "SSL", "SLUICE_KAFKA_SSL_KEYFILE": "/c.key"},
            "without SLUICE_KAFKA_SSL_CERTFILE",
        ),
        ({"SLUICE_DATABASE_SSL_CAFILE": "/ca.pem"}, "SLUICE_DATABASE_SSL_MODE is verify-ca or verify-full"),
        (
            {"SLUICE_DATABASE_SSL_CAFILE": "/ca.pem", "SLUICE_DATABASE_SSL_MODE": "require"},
            "SLUICE_DATABASE_SSL_MODE is verify-ca or verify-full",
        ),
    ],
)
def test_security_that_would_have_no_effect_is_refused(given: dict[str, str], needed: str) -> None:
    with pytest.raises(UsageError, match=needed):
        Settings.load(given)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2/x@h:5432/d",
        "postgresql://u:hunter2#x@h:5432/d",
        "postgresql://u:hunter2?x@h:5432/d",
        "postgresql://u:hunter2@[::1/d",
        "postgresql://u:p@hunter2@h/d",
        "mysql://u:hunter2@h/d",
        "u:hunter2@h/d",
    ],
)
def test_a_database_address_that_the_driver_would_misread_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match=r"SLUICE_DATABASE_URL.*%2F") as caught:
        Settings.load({"SLUICE_DATABASE_URL": url})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://h/d",
        "postgresql://u:p%2Fx@h:5432/d?sslmode=require",
        "postgresql://u:p@one:5432,two:5433/d?target_session_attrs=read-write",
        "postgresql://u:p@[::1]:5432/d",
        "postgresql:///d?host=/var/run/postgresql",
        "postgresql://u@%2Fvar%2Frun/d",
    ],
)
def test_every_form_of_database_address_is_taken(url: str) -> None:
    assert Settings.load({"SLUICE_DATABASE_URL": url}).database.url == SecretStr(url)


def test_a_child_has_our_settings_and_none_of_the_environment() -> None:
    settings = Settings.load({"SLUICE_KAFKA_PARTITIONS": "3"})
    child = settings.in_environment({"PATH": "/bin", "LOG_LEVEL": "debug", "SLUICE_KAFKA_SECURITY_PROTOCOL": "SSL"})
    assert child == {"PATH": "/bin", "SLUICE_KAFKA_PARTITIONS": "3"}


def test_a_wrong_value_is_not_repeated_in_the_message() -> None:
    with pytest.raises(UsageError) as caught:
        Settings.load({"SLUICE_DATABASE_POOL_MAX": "hunter2"})

    assert "hunter2" not in str(caught.value)


def test_dotenv_of_the_working_directory_is_below_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("SLUICE_KAFKA_PARTITIONS=3\nSLUICE_API_PORT=9999\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLUICE_API_PORT", "7777")

    settings = Settings.load()

    assert (settings.kafka.partitions, settings.api.port) == (3, 7777)


def test_a_child_process_reads_back_the_same_settings() -> None:
    settings = Settings.load(
        {
            "POSTGRES_URL": "postgresql://u:p@h/d",
            "API_KEY": "one,two",
            "SLUICE_API_KEYS_FILE": "/etc/keys",
            "SLUICE_API_INDICATORS_PER_MINUTE": "1000",
            "SLUICE_RETRY_DELAYS_SECONDS": "1,2.5",
            "SLUICE_KAFKA_SECURITY_PROTOCOL": "ssl",
            "SLUICE_KAFKA_SSL_CAFILE": "/etc/ca.pem",
            "SLUICE_KAFKA_IDEMPOTENT_PRODUCER": "no",
            "LLM_PROVIDER_TYPE": "openai",
            "LM_STUDIO_URL": "http://127.0.0.1:1234/v1",
            "GEMINI_API_KEY": "k",
            "SLUICE_LLM_FALLBACK": "anthropic,embedded",
            "SLUICE_LLM_BUDGET_TASKS": "family=1.5,type=2",
            "SLUICE_LLM_PRICES": "/etc/prices.toml",
            "SLUICE_LLM_CACHE": "no",
            "SLUICE_REVIEW": "ALL",
        }
    )

    assert Settings.load(settings.as_environment()) == settings


def test_defaults_are_not_handed_down() -> None:
    assert Settings.load({}).as_environment() == {}


def test_no_secret_is_described() -> None:
    settings = Settings.load(
        {
            "SLUICE_DATABASE_URL": "postgresql://me:hunter2@db.example:5433/sluice?sslpassword=hunter2",
            "SLUICE_API_KEYS": "hunter2,hunter2",
            "SLUICE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "SLUICE_KAFKA_SASL_USERNAME": "me",
            "SLUICE_KAFKA_SASL_PASSWORD": "hunter2",
            "OPENAI_API_KEY": "hunter2",
            "ANTHROPIC_API_KEY": "hunter2",
            "GOOGLE_API_KEY": "hunter2",
            "SLUICE_LOCAL_API_KEY": "hunter2",
            "OPENAI_BASE_URL": "http://me:hunter2@gateway.example/v1",
        }
    )
    assert "hunter2" not in repr(settings)
    rows = {row.variable: row for row in describe(settings)}

    assert not any("hunter2" in field for row in rows.values() for field in map(str, row))
    assert rows["SLUICE_DATABASE_URL"].value == "postgresql://me:***@db.example:5433/sluice?***"
    assert rows["SLUICE_KAFKA_SASL_PASSWORD"].value == rows["OPENAI_API_KEY"].value == "***"
    assert rows["OPENAI_BASE_URL"].value == "http://me:***@gateway.example/v1"
    assert "DATABASE_URL" in rows["SLUICE_DATABASE_URL"].also


def test_every_setting_is_described_once_and_has_a_meaning() -> None:
    rows = describe(Settings.load({}))

    assert all(row.meaning for row in rows)
    assert len({row.variable for row in rows}) == len(rows)


def test_settings_are_frozen_and_constructed_without_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_KAFKA_PARTITIONS", "3")
    kafka = KafkaSettings()

    assert kafka.partitions == 12
    with pytest.raises(ValueError, match="frozen"):
        kafka.partitions = 4  # type: ignore[misc]  # that is the point


def test_the_state_directory_follows_the_variables() -> None:
    assert Settings.load({"SLUICE_STATE_DIR": "/some/where"}).embedded.directory == Path("/some/where")
    assert Settings.load({"XDG_STATE_HOME": "/xdg"}).embedded.directory == Path("/xdg/sluice")


def test_a_place_is_told_of_other_addresses_than_the_vendors_own_and_without_what_is_secret() -> None:
    llm = Settings.load({"OPENAI_BASE_URL": "http://me:word@127.0.0.1:8099/v1/", "ANTHROPIC_API_KEY": "k"}).llm
    assert [llm.place_of(vendor) for vendor in VENDORS] == ["127.0.0.1:8099/v1", "", "", ""]


def test_a_budget_can_be_given_to_every_question_under_the_name_of_its_stage() -> None:
    written = ",".join(f"{stage.name.replace('-', '_')}=1" for stage in CLASSIFICATION.stages if asks([stage]))
    names = {question.name for question in (TIME, SCALE, CURRENCY, FAMILY, TYPE, BOOLEAN_REVIEW, FINAL_REVIEW)}
    assert Settings.load({"SLUICE_LLM_BUDGET_TASKS": written}).llm.task_budgets() == dict.fromkeys(names, 1.0)
