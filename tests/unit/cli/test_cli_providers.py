"""`--provider` and `--cascade`: what travels with the indicators, and what is refused before anything is read."""

import pytest

from services.cli.providers import wished_provider
from shared.errors import UsageError
from shared.settings import LlmSettings, Settings


def settings(**variables: str) -> LlmSettings:
    return Settings.load(variables).llm


KEYS = {"OPENAI_API_KEY": "sk-planted", "ANTHROPIC_API_KEY": "sk-planted"}


@pytest.mark.parametrize(
    ("provider", "cascade", "wish"),
    [
        (None, False, ""),
        ("embedded", False, "embedded"),
        ("openai", False, "openai"),
        ("OpenAI", True, "cascade:openai"),
        ("cascade:anthropic", False, "cascade:anthropic"),
        (None, True, "cascade:anthropic"),
    ],
)
def test_what_travels_with_the_indicators(provider: str | None, cascade: bool, wish: str) -> None:
    assert wished_provider(settings(**KEYS, LLM_PROVIDER="anthropic"), provider, cascade=cascade) == wish


@pytest.mark.parametrize(
    ("provider", "cascade", "said"),
    [
        ("openai", False, "Set OPENAI_API_KEY"),
        ("google", False, "Set GOOGLE_API_KEY"),
        ("local", False, "Set LM_STUDIO_URL"),
        ("gpt", False, "'gpt' is not known"),
        ("cascade:cascade:openai", False, "'cascade:openai' is not known"),
        ("embedded", True, "needs a second provider"),
        (None, True, "needs a second provider"),
    ],
)
def test_what_cannot_be_had_says_what_to_set(provider: str | None, cascade: bool, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        wished_provider(settings(), provider, cascade=cascade)


def test_a_model_without_a_price_is_refused_before_it_costs_anything() -> None:
    with pytest.raises(UsageError, match="the price of openai model 'my-own' is not known"):
        wished_provider(settings(**KEYS, OPENAI_MODEL="my-own"), "openai", cascade=False)
