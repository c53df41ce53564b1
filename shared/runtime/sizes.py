"""How large a message may be on its way, in bytes of JSON: each limit leaves room for what comes after it.

What the edge lets through grows by what the stages find out, never by more than the next limit allows; so that no
item that was taken in is refused later for its size.
"""

EDGE_OUTPUT_BYTES = 640 * 1024
"""Of what the edge makes of a message. Beyond it the sender is at fault: numbers such as 1e15 grow when written out."""

INNER_OUTPUT_BYTES = 768 * 1024
"""Of what any other stage writes: everything that all of them add to an item."""

INNER_INPUT_BYTES = 800 * 1024
"""Of what they read. A dead letter holds it whole, with its headers."""
