"""Azure's resource types as Bicep knows them: asked of Microsoft's own table, which needs neither a network nor a login."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

HERE = Path(__file__).parent


class Type:
    """One resource type: its newest version, its body, and the objects that the body speaks of."""

    def __init__(self, items):
        resource = next(item for item in items if item["$type"] == "Resource")
        self.version = resource["name"].split("@")[1]
        self.body = resource["bodyType"]
        self.objects = {item["name"]: item for item in items if "properties" in item or "elements" in item}


def types(names, cache):
    """The types of these names; what nobody knows is left out."""
    by_hand = json.loads((HERE / "types_by_hand.json").read_text())
    file = Path(cache) / "types.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    wanted = sorted({name for name in names if name not in known and name not in by_hand})
    if wanted:
        known.update(ask(wanted))
        new = file.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(known))
        new.replace(file)
    known.update({name: expand(name, short) for name, short in by_hand.items()})
    return {name: Type(known[name]) for name in names if name in known}


def ask(names):
    program = Path(sysconfig.get_paths()["purelib"]) / "msmcp_azure" / "bin" / "azmcp"
    server = subprocess.Popen(
        [program, "server", "start", "--namespace", "bicepschema", "--mode", "all"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "AZURE_MCP_COLLECT_TELEMETRY": "false"},
    )

    def say(message):
        server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        server.stdin.flush()

    def call(id, method, params):
        say({"id": id, "method": method, "params": params})
        for line in server.stdout:
            answer = json.loads(line)
            if answer.get("id") == id:
                return answer["result"]
        raise SystemExit("the table of Azure's types can't be read: azmcp ended")

    try:
        client = {"name": "check", "version": "1"}
        call(0, "initialize", {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": client})
        say({"method": "notifications/initialized"})
        found = {}
        for id, name in enumerate(names, 1):
            arguments = {"name": "bicepschema_get", "arguments": {"resource-type": name}}
            answer = json.loads(call(id, "tools/call", arguments)["content"][0]["text"])
            if answer["status"] == 200:
                found[name] = answer["results"]["BicepSchemaResult"]
        return found
    finally:
        server.kill()


def expand(name, short):
    """`types_by_hand.json` is short: {"version": .., "objects": {"Name": {"property": "type", "needed!": "type"}}}."""

    def properties(object):
        for key, kind in object.items():
            yield {"name": key.rstrip("!"), "type": kind, "flags": "Required" if key.endswith("!") else ""}

    objects = {
        key: {"$type": "Object", "name": key, "properties": list(properties(object))}
        for key, object in short["objects"].items()
    }
    objects["Tags"] = {"$type": "Object", "name": "Tags", "properties": [], "additionalPropertiesType": "string"}
    body = objects.pop("body")
    body["properties"].append({"name": "id", "type": "string", "flags": "ReadOnly"})
    resource = {"$type": "Resource", "name": f"{name}@{short['version']}", "bodyType": body}
    return [resource, *objects.values()]
