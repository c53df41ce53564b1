"""What those who run Sluice need besides it, made from the declarations of pipelines and metrics.

`python -m deployment write` writes the files, `python -m deployment check` fails when one is out of date. Nothing that
runs imports this package, and it is not installed.
"""
