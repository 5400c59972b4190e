"""Runs a Pulumi program in Python against the stand-in, as `pulumi-language-python-exec` does against the engine."""

import asyncio
import json
import runpy
import sys

import pulumi
from pulumi.runtime import Settings, config, configure, run_in_stack

run = json.load(sys.stdin)
sys.path.insert(0, run["folder"])
config.set_all_config(run["config"], run["secretKeys"])
configure(
    Settings(
        project=run["project"],
        stack=run["stack"],
        monitor=run["address"],
        engine=run["address"],
        dry_run=run["preview"],
        organization=run["organization"],
        root_directory=run["folder"],
    )
)
try:
    asyncio.run(run_in_stack(lambda: runpy.run_path(run["folder"], run_name="__main__")))
except pulumi.RunError as error:
    pulumi.log.error(str(error))
    sys.exit(1)
