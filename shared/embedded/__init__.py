"""A broker and a database of our own, for machines that have none.

`shared.embedded.stack.embedded_stack` is the way in. A small process, the keeper (`shared.embedded.keeper`), owns the
servers on behalf of every command that uses them and stops them when the last command has gone, however it went.
The keeper starts in a blink because it and the servers' modules import nothing but the standard library: keep it so.
"""
