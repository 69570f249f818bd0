#!/usr/bin/env python3
"""What can be said of the workflows without running them: they are YAML, each job and step has what GitHub asks for,
rights are named, actions are pinned by commit, and scripts that are called are there and can be parsed. (actionlint
would say more.) And the forms for issues, and the development container."""

import json
import pathlib
import re
import subprocess
import sys

import yaml

repository = pathlib.Path(__file__).parent.parent
STEP = {"name", "id", "if", "uses", "with", "run", "env", "working-directory", "shell", "timeout-minutes"}
JOB = {"name", "needs", "if", "runs-on", "permissions", "container", "env", "steps", "timeout-minutes", "outputs"}
faults = []
workflows = sorted((repository / ".github/workflows").glob("*.yml"))
assert workflows

for path in workflows:

    def fault(text, path=path):
        faults.append(f"{path.name}: {text}")

    text = path.read_text()
    workflow = yaml.safe_load(text)
    workflow["on"] = workflow.pop(True, None)  # YAML 1.1 takes the word for a truth value
    if set(workflow) - {"name", "on", "permissions", "env", "jobs"} or not workflow["on"]:
        fault("unknown or missing keys")
    if "permissions" not in workflow:
        fault("no permissions: the token would have them all")
    for name, job in workflow["jobs"].items():
        if set(job) - JOB or "runs-on" not in job:
            fault(f"job {name}: {sorted(set(job) - JOB)} are no keys, or it has no runs-on")
        needs = job.get("needs", [])
        for need in [needs] if isinstance(needs, str) else needs:
            if need not in workflow["jobs"]:
                fault(f"job {name} needs {need}, which is not there")
        for step in job["steps"]:
            if set(step) - STEP or ("uses" in step) == ("run" in step):
                fault(f"job {name}: a step needs either uses or run: {step}")
            if "uses" in step:
                pin = re.escape(step["uses"]) + r" # v\d+\.\d+\.\d+$"  # the comment is for dependabot, and readers
                pinned = re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])
                if not pinned or not re.search(pin, text, re.MULTILINE):
                    fault(f"job {name}: {step['uses']} is not pinned by a commit, with its version behind it")
            script = step.get("run", "")
            if subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode:
                fault(f"job {name}: cannot be parsed: {script}")
            for called in re.findall(r"(?<![\w/.])(?:\.ci|docker|tests)/[\w./-]+", script):
                if not (repository / called).is_file():
                    fault(f"job {name}: {called} is not there")
            for expression in re.findall(r"\$\{\{(.*?)\}\}", str(step)):
                if not re.fullmatch(r" (github|steps|needs|env)(\.\w+)+ ", expression):
                    fault(f"job {name}: what is {expression}?")

# The forms and settings beside them: that they can be read, and the shape that GitHub's documentation asks for.
for path in sorted((repository / ".github/ISSUE_TEMPLATE").glob("*.yml")):
    form = yaml.safe_load(path.read_text())
    if path.stem == "config":
        continue
    if not {"name", "description", "body"} <= set(form):
        faults.append(f"{path.name}: name, description or body is missing")
    for field in form["body"]:
        if field["type"] != "markdown" and ("id" not in field or "label" not in field["attributes"]):
            faults.append(f"{path.name}: a field needs id and label: {field}")
dependabot = yaml.safe_load((repository / ".github/dependabot.yml").read_text())
if dependabot["version"] != 2 or not all("schedule" in update for update in dependabot["updates"]):
    faults.append("dependabot.yml: version 2 and a schedule are wanted")
container = json.loads((repository / ".devcontainer/devcontainer.json").read_text())
if "--privileged" not in container["runArgs"] or container["build"]["dockerfile"] != "Dockerfile":
    faults.append("devcontainer.json: the tests need --privileged")

print("\n".join(faults) or f"{len(workflows)} workflows: as they should be")
sys.exit(bool(faults))
