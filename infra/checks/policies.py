"""Azure's and GitHub's good habits by Checkov; checkov.yaml says what it is told not to ask, and why.

usage: policies.py CONFIG ROOT
"""

import json
import subprocess
import sys
from pathlib import Path

# It can't read lambdas. That file has no resources, so there is nothing for it to look at.
UNREADABLE = {Path("infra/modules/bots.bicep")}
FILES = ("infra/**/*.bicep", "infra/**/*.bicepparam", "pipelines/**/*.yml", ".github/**/*.yml")

config, root = sys.argv[1], Path(sys.argv[2]).resolve()
files = [path for pattern in FILES for path in sorted(root.glob(pattern))]
command = ["checkov", "--config-file", config, "--output", "json", "--file", *files]
done = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True)
mistakes, passed = [], 0
for report in json.loads(done.stdout):
    passed += report["summary"]["passed"]
    for one in report["results"]["failed_checks"]:
        path, (line, _) = Path(one["file_abs_path"]).resolve(), one["file_line_range"]
        mistakes.append(f"{path.relative_to(root)}:{line}: {one['check_id']}: {one['check_name']} ({one['resource']})")
    for file in report["results"]["parsing_errors"]:
        path = (root / file).resolve().relative_to(root)
        if path not in UNREADABLE:
            mistakes.append(f"{path}: Checkov can't read this")
if passed < 50:
    mistakes.append(f"Checkov looked at almost nothing: {done.stderr[-500:]}")
print("\n".join(mistakes) or f"{passed} rules kept")
sys.exit(bool(mistakes))
