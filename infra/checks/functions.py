"""host.json and each function.json by their schemas, and the queues and containers they name: does the deployment make them?

usage: functions.py SCHEMAS ROOT
"""

import json
import sys
from pathlib import Path

from jsonschema import Draft7Validator


def main(schemas, root):
    root, mistakes = Path(root), []
    host = json.loads((Path(schemas) / "host.json").read_text())
    # Tried as a whole it complains of version 1, which nobody writes any more.
    host = {"definitions": host["definitions"], **host["definitions"]["version-2"]}
    function = json.loads((Path(schemas) / "function.json").read_text())
    data = json.loads((root / "infra/data.json").read_text())
    containers = [container["name"] for container in data["containers"]]
    made = {"queueName": data["queues"], "containerName": containers, "leaseContainerName": containers}

    functions = sorted(root.glob("functions/*/function.json"))
    for path in [root / "host.json", *functions]:
        value = json.loads(path.read_text())
        schema = host if path.name == "host.json" else function
        for error in Draft7Validator(schema).iter_errors(value):
            mistakes.append(f"{path}: {'.'.join(map(str, error.path)) or 'it'}: {error.message[:200]}")
        for binding in value.get("bindings", []):
            for key in made.keys() & binding.keys():
                if binding[key] not in made[key]:
                    mistakes.append(f"{path}: infra/data.json makes no {key} `{binding[key]}`")
    print("\n".join(mistakes) or f"host.json and {len(functions)} functions")
    sys.exit(bool(mistakes))


if __name__ == "__main__":
    main(*sys.argv[1:])
