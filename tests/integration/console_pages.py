"""What every page of the console has to be."""

import re

import httpx


def text_of(answer: httpx.Response) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def expect_whole(answer: httpx.Response) -> None:
    """A whole page whose controls have names, and which lets a browser run nothing but our files."""
    assert answer.status_code == 200, text_of(answer)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = answer.text
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert re.findall(r"<script[^>]*>", page) == ['<script src="/console/static/htmx.min.js" defer>']
    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", re.sub(r">[^<]*<", "><", page))
    for part in ('<html lang="en">', "<main ", "<nav ", "<h1>", 'class="skip"', 'name="viewport"'):
        assert part in page
    controls = re.findall(r'<(?:input|select)\b(?![^>]*type="hidden")[^>]*\bid="([^"]+)"', page)
    labels = re.findall(r'<label for="([^"]+)"', page)
    assert all(control in labels or f'id="{control}" aria-label=' in page for control in controls)
