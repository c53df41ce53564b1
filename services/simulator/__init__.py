"""A simulated vendor: an HTTP server that speaks OpenAI's and Anthropic's formats, for tests, benchmarks, trying out.

It imitates what a gateway has to live with: rate limits and their headers, latency, token usage and prompt caching,
strict request checks, and every way in which calls and answers go wrong. Answers come from the pipelines' own labels.
"""
