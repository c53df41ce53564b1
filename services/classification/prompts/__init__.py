"""How language models are asked: one module and one text a stage, and what they share.

`<stage>.md` is the static part, read once; `{{name}}` in it stands for a table of tables.py or for a fragment
`_name.md`. The tables are made from the enums and schemas.taxonomy, so they cannot tell of other values than the code.
"""
