"""What people paste between what they write: it is hidden as it stands, and the prose around it is not."""

import pytest

from services.correction.masking import mask
from services.correction.passages import by_dictionary
from services.correction.pasted import pasted_spans

BEFORE, AFTER = "it says teh following when I recieve it", "and I realy wonder why it stops"

PASTED = {
    "a quoted Traceback": '> Traceback (most recent call last):\n>   File "a.py", line 3, in f\n> ValueError: teh',
    "an exception of one's own": (
        'Traceback (most recent call last):\n  File "a.py", line 3, in f\n    x()\nmyapp.Declined: teh adress is wrong'
    ),
    "a bare exception": "myapp.errors.PaymentDeclined: the adress is not valid\n  at checkout",
    "chained exceptions": "During handling of the above exception, another exception occured:",
    "C#": "Unhandled exception. System.Exception: teh recieve\n   at Teh.Recieve() in C:\\teh\\x.cs:line 3",
    "Java": 'Exception in thread "main" a.Teh: recieve it\n\tat a.Teh.recieve(Teh.java:3)\nCaused by: Foo: teh',
    "Rust panics": "thread 'main' panicked at src/main.rs:3:5:\ncould not recieve teh message",
    "rustc": "error[E0425]: cannot find teh\n --> src/main.rs:2:5\n  |\n2 |   teh recieve of it\n  |     ^^^ seperate",
    "a place": "src/main.c:3:5:",
    "gcc": "main.c:3:5: error: expected teh recieve before seperate",
    "tsc": "src/teh.ts(3,4): error TS2304: Cannot find teh recieve.",
    "npm": "npm ERR! could not recieve teh packet",
    "pytest": "FAILED tests/test_teh.py::test_recieve - it is teh seperate one",
    "a log": "[2024-01-02 03:04:05] ERROR recieve failed for teh adress",
    "a log of times": "12:03:04 ERROR recieve failed for teh adress",
    "a log of levels": "[INFO] teh recieve seperate\n[ERROR] teh recieve",
    "a prompt": "user@host:~$ systemctl restart teh recieve",
    "a prompt in brackets": "(venv) [user@host teh dir]$ recieve teh mail",
    "a prompt of Windows": "C:\\work>recieve teh seperate",
    "a prompt of Ruby": "irb(main):001:0> recieve teh seperate",
    "a prompt of MySQL": "mysql> recieve teh seperate;",
    "a command that goes on": "docker run \\\n  --name teh \\\n  recieve seperate",
    "a command with a flag": "ls -la teh recieve adress seperate",
    "a command with quotes": "grep 'recieve  teh' adress",
    "PowerShell": "Get-ChildItem -Recurse teh recieve",
    "a heredoc": "cat <<EOF > x\nplease recieve teh mail\nEOF",
    "a diff": "--- a/x.py\n+++ b/x.py\n@@ -1,4 +1,4 @@\n a teh\n-    return recieve\n+    return teh seperate\n\n  x",
    "a part of a diff": "-    return recieve\n-    # teh old one is here\n+    return seperate",
    "JavaScript": "const lenght = items.length\nreturn lenght * 2",
    "Python": "for adress in adresses:\n    send teh adress",
    "a function": "def recieve(teh):\n    # please seperate teh adresses\n    return seperate",
    "C": "if (recieve == teh) {\n    seperate();\n}",
    "a comment": "/**\n * please recieve teh mail\n * and seperate it\n */",
    "a script": "if test recieve = teh; then\n  seperate it all\nfi # teh end",
    "imports": "import recieve from 'teh'\nfrom recieve import teh",
    "SQL": "SELECT adress, recieved\nFROM teh\nWHERE status = 'seperate'",
    "YAML": "recieve: true\nadress: localhost\nservices:\n  - teh: seperate",
    "JSON": '{\n  "recieve": "teh seperate one of it",\n  "adress": 3\n}',
    "a file of settings": "[recieve]\nteh=seperate\ntitle = the adress of it",
    "columns": "NAME     RECIEVED   ADRESS\nteh      seperate   1\nuntill   teh        2",
    "values between tabs": "adress\trecieved\nteh one\tseperate",
}


@pytest.mark.parametrize("pasted", PASTED.values(), ids=PASTED)
def test_pasted_lines_are_hidden_and_prose_beside_them_is_not(pasted: str) -> None:
    text = f"{BEFORE}\n{pasted}\n{AFTER}"
    masked = mask(text)
    assert masked.text == f"{BEFORE}\n⟦1⟧\n{AFTER}"
    assert masked.restored(by_dictionary(masked.text)) == (
        f"it says the following when I receive it\n{pasted}\nand I really wonder why it stops"
    )


@pytest.mark.parametrize("pasted", [*PASTED.values(), "```\nteh code\n```"])
def test_lines_may_end_as_on_windows(pasted: str) -> None:
    text = f"{BEFORE}\n{pasted}\n{AFTER}".replace("\n", "\r\n")
    masked = mask(text)
    assert masked.text.replace("\r", "") == f"{BEFORE}\n⟦1⟧\n{AFTER}"
    assert masked.restored(masked.text) == text


@pytest.mark.parametrize(
    "prose",
    [
        "find out why teh page is slow > thats teh question",
        "source code is here > recieve it",
        "make teh parser faster | or leave it",
        "echo the recieved messages - and log them",
        "go through teh files - seperate them",
        "git is slow - teh reason is unknown",
        "python cannot recieve teh data > why is that",
        "if you recieve this:\n- tell teh others\n- wait",
        "for teh following:\n  1. recieve it\n  2. wait",
        "let me know when teh value is = 3 please",
        "Error handling is missing in teh parser",
        "... and then it does not recieve it",
        "Note: teh parser is slow\nQuestion: why is that so",
        "- pro: recieve more of it\n+ con: teh price of it",
        "-> recieve teh mail first\n=> then seperate teh files",
        "please do it.  Then recieve teh mail.  Then stop.\nWait.  Seperate teh files.  Stop.",
        "I like C# and teh rest; it is fine\nwe recieve 100 % of teh mail",
        "from teh beginning it was slow\nreturn to the old one please",
        "> please recieve teh mail first\nI did so",
        "12:30 we recieve teh mail",
        "ann@example.com owes me 5 $ for teh mail",
        "teh rest stays (for now);\nwe recieve it in teh `end()`;",
        "look at\n  teh end of the list (see #12)",
        "'a' -> 'b'\n  and then it is teh same",
        "| teh name | what we recieve |  |  |\n|---|---|---|---|\n| a | teh first of it |  |  |",
        "teh order of each class definition:",
    ],
)
def test_prose_is_not_taken_for_pasted(prose: str) -> None:
    assert list(pasted_spans(prose)) == []


@pytest.mark.parametrize(
    "odd", ["> ", "\t", "-a\n", "a.A", "`", "- ", "a: b\n", "; ", "a  b ", "(", '"', "«", "x/", "{a"]
)
def test_long_texts_of_odd_signs_are_looked_at_once(odd: str) -> None:
    """Time that grows with the square of the length would be more than a test may take."""
    text = odd * (65_000 // len(odd))
    assert mask(text).restored(mask(text).text) == text
