"""Reads Bicep where no compiler is to be had: syntax, names, modules, parameters, and every resource against Azure's types.

usage: bicep.py CACHE FOLDER
It does not evaluate expressions: only what is written down literally is compared with a type.
"""

import re
import sys
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Parser
from types_of_azure import types

PARSER = Parser(Language(tree_sitter_bicep.language()))
PRIMITIVE = {"string": str, "int": int, "bool": bool}
LOOSE = ("any", "object", "array", "null")
# What Bicep itself has; those that nobody needs here are left out, and would be reported.
FUNCTIONS = set(
    "concat contains empty guid join json length loadJsonContent loadTextContent reduce replace resourceGroup "
    "subscription subscriptionResourceId take tenant toLower union uniqueString utcNow".split()
)
mistakes = []


def mistake(file, node, what):
    line = node.start_point[0] + 1 if node else 1
    mistakes.append(f"{file.path}:{line}: {what}")


def text(node):
    return node.text.decode()


def parts(node):
    return [child for child in node.children if child.is_named and child.type != "comment"]


def literal(node):
    """The value that is written down, or None where it must be computed."""
    if node is None:
        return None
    if node.type == "string" and not any(child.type == "interpolation" for child in node.children):
        return "".join(text(child) for child in node.children if child.type == "string_content")
    if node.type == "number":
        return int(text(node))
    if node.type == "boolean":
        return text(node) == "true"
    return None


def entries(node):
    """An object's properties: key to (node of the key, node of the value). A computed key is left out."""
    found = {}
    for entry in parts(node):
        if entry.type != "object_property":
            continue
        key, *value = parts(entry)
        name = literal(key) if key.type == "string" else text(key)
        if name is not None:
            found[name] = (key, value[0] if value else None)
    return found


def body(node):
    """The object inside `= {`, `= if (..) {` or `= [for .. : {`."""
    for child in reversed(parts(node)):
        if child.type == "object":
            return child
        if child.type in ("if_statement", "for_statement"):
            return body(child)
    return None


class File:
    KINDS = ("parameter", "variable", "resource", "module", "output")

    def __init__(self, path):
        self.path = path
        source = path.read_text()
        if path.suffix == ".bicepparam":
            # The grammar does not know these files; with two words changed it does.
            source = re.sub(r"(?m)^using .*$", "", source)
            source = re.sub(r"(?m)^param (\w+) =", r"var \1 =", source)
        self.root = PARSER.parse(source.encode()).root_node
        self.declared = {kind: {} for kind in self.KINDS}
        self.decorators = {}
        decorators = []
        for node in parts(self.root):
            if node.type == "decorators":
                decorators = [text(one) for one in parts(node)]
                continue
            kind = node.type.removesuffix("_declaration")
            if kind in self.declared:
                name = text(parts(node)[0])
                self.declare(kind, name, node)
                self.decorators[name] = decorators
            decorators = []
        self.syntax(self.root)

    def declare(self, kind, name, node):
        others = ("output",) if kind == "output" else self.KINDS[:-1]
        if any(name in self.declared[other] for other in others):
            mistake(self, node, f"`{name}` is declared twice")
        self.declared[kind][name] = node

    def syntax(self, node):
        if node.type == "ERROR" or node.is_missing:
            mistake(self, node, f"not Bicep: `{text(node)[:40]}`")
        elif node.has_error:
            for child in node.children:
                self.syntax(child)

    def parameter(self, name):
        """Type, and whether it must be given."""
        node = self.declared["parameter"][name]
        kind = next((text(part) for part in parts(node) if part.type == "type"), "any")
        return kind, "=" not in [child.type for child in node.children]

    def target(self, name):
        """What a resource or module declares itself as: a type, or a path."""
        kind = "resource" if name in self.declared["resource"] else "module"
        return literal(next(part for part in parts(self.declared[kind][name]) if part.type == "string"))


def check_names(file):
    known = {name for kind in File.KINDS[:-1] for name in file.declared[kind]}
    used = set()

    def walk(node, local):
        if node.type == "identifier":
            name = text(node)
            if name in known:
                used.add(name)
            elif name not in local:
                mistake(file, node, f"`{name}` is not declared")
            return
        children = parts(node)
        if node.type.endswith("_declaration") or node.type in ("for_statement", "lambda_expression"):
            first, children = children[0], children[1:]
            if not node.type.endswith("_declaration"):
                local = local | {text(one) for one in [first, *parts(first)] if one.type == "identifier"}
        elif node.type == "call_expression":
            name, children = text(children[0]), children[1:]
            if name not in FUNCTIONS:
                mistake(file, node, f"the function `{name}` is not known")
            if name.startswith("load"):
                path = file.path.parent / (literal(parts(children[0])[0]) or "")
                if not path.is_file():
                    mistake(file, node, f"there is no file `{path}`")
        elif node.type == "object_property" and children[0].type != "string":
            children = children[1:]
        for child in children:
            if child.type != "type":
                walk(child, local)

    for node in parts(file.root):
        if node.type != "decorators":
            walk(node, frozenset())
    for kind in ("parameter", "variable"):
        for name in file.declared[kind].keys() - used:
            mistake(file, file.declared[kind][name], f"`{name}` is never used")


def check_value(file, node, kind, type, where):
    if node is None or kind in LOOSE:
        return
    if kind.endswith("[]"):
        if node.type == "array":
            for child in parts(node):
                check_value(file, child, kind[:-2], type, where + "[]")
        elif node.type == "for_statement":
            check_value(file, parts(node)[-1], kind[:-2], type, where + "[]")
        elif node.type == "object" or literal(node) is not None:
            mistake(file, node, f"{where}: an array is wanted")
    elif kind in type.objects:
        if node.type == "object":
            check_object(file, node, type.objects[kind], type, where)
        elif node.type == "array" or literal(node) is not None:
            mistake(file, node, f"{where}: an object is wanted")
    elif node.type in ("object", "array"):
        mistake(file, node, f"{where}: {kind} is wanted")
    elif (value := literal(node)) is not None:
        if kind in PRIMITIVE:
            if value.__class__ is not PRIMITIVE[kind]:
                mistake(file, node, f"{where}: {kind} is wanted, not `{text(node)}`")
        elif str(value) not in kind.split(" | "):
            # Many of Azure's enums are open; ours are not.
            mistake(file, node, f"{where}: `{value}` is none of {kind}")


def check_object(file, node, object, type, where):
    given, whole = entries(node), object is type.body
    if "discriminator" in object:
        key = object["discriminator"]
        value = literal(given[key][1]) if key in given else None
        variants = {one["type"]: variant["properties"] for variant in object["elements"]
                    for one in variant["properties"] if one["name"] == key}
        if value not in variants:
            mistake(file, node, f"{where}.{key}: there is no `{value}`")
            return
        object = {"properties": object["baseProperties"] + variants[value]}
    properties = {one["name"]: one for one in object["properties"]}
    for name, (key, value) in given.items():
        if name in ("parent", "scope", "dependsOn") and whole:
            continue
        if name not in properties:
            extra = object.get("additionalPropertiesType")
            if extra is None:
                mistake(file, key, f"{where}: there is no property `{name}`")
            else:
                check_value(file, value, extra, type, f"{where}.{name}")
            continue
        if "ReadOnly" in (properties[name].get("flags") or ""):
            mistake(file, key, f"{where}.{name}: can only be read")
        check_value(file, value, properties[name]["type"], type, f"{where}.{name}")
        if longest := re.search(r"maxLength: (\d+)", properties[name].get("modifiers") or ""):
            if len(str(literal(value) or "")) > int(longest[1]):
                mistake(file, value, f"{where}.{name}: is longer than {longest[1]}")
    for name, one in properties.items():
        if "Required" in (one.get("flags") or "") and name not in given:
            mistake(file, node, f"{where}: `{name}` is missing")


def check_resource(file, name, table):
    node, target = file.declared["resource"][name], file.target(name)
    kind, _, version = target.partition("@")
    if kind not in table:
        mistake(file, node, f"`{kind}` is no type of Azure's")
        return
    type, object = table[kind], body(node)
    if version != type.version:
        mistake(file, node, f"`{kind}`: the types at hand are of {type.version}, not {version}")
    given = entries(object)
    if kind.count("/") > 1 and "parent" not in given:
        mistake(file, node, f"`{name}` lies inside another resource: `parent` is missing")
    if "existing" not in [child.type for child in node.children]:
        check_object(file, object, type.body, type, name)


def check_reads(file, table, files):
    """`resource.properties.x` and `module.outputs.x`: is there such a thing?"""

    def walk(node):
        if node.type == "member_expression":
            path = text(node).replace("!", "").replace("?", "").split(".")
            if path[0] in file.declared["module"] and path[1] == "outputs" and len(path) > 2:
                module = files.get((file.path.parent / file.target(path[0])).resolve())
                if module and path[2] not in module.declared["output"]:
                    mistake(file, node, f"`{path[0]}` has no output `{path[2]}`")
            if path[0] in file.declared["resource"]:
                read(node, path, table.get(file.target(path[0]).partition("@")[0]))
            return
        for child in node.children:
            walk(child)

    def read(node, path, type):
        object = type and type.body
        for step in path[1:]:
            if not object or "discriminator" in object or "additionalPropertiesType" in object:
                return
            one = next((one for one in object["properties"] if one["name"] == step), None)
            if one is None:
                mistake(file, node, f"`{text(node)}`: there is no `{step}`")
                return
            object = type.objects.get(one["type"])

    walk(file.root)


def check_given(file, given, target, who):
    """Are these the parameters that the target asks for?"""
    for name, (key, value) in given.items():
        if name not in target.declared["parameter"]:
            mistake(file, key, f"{who} has no parameter `{name}`")
            continue
        kind, _ = target.parameter(name)
        known = literal(value)
        if kind in PRIMITIVE and (known.__class__ is not PRIMITIVE[kind] if known is not None
                                  else value.type in ("array", "object")):
            mistake(file, value, f"`{name}` of {who}: {kind} is wanted")
        if {kind, value.type} == {"array", "object"} or (kind in ("array", "object") and known is not None):
            mistake(file, value, f"`{name}` of {who}: {kind} is wanted")
        for rule in target.decorators[name]:
            allowed = re.findall(r"'([^']*)'", rule) if rule.startswith("@allowed") else []
            limit = re.match(r"@(min|max)Value\((-?\d+)\)", rule)
            if known is not None and (
                (allowed and known not in allowed)
                or (limit and limit[1] == "min" and known < int(limit[2]))
                or (limit and limit[1] == "max" and known > int(limit[2]))
            ):
                mistake(file, value, f"`{name}` of {who}: `{known}` breaks {rule}")
    for name in target.declared["parameter"]:
        if target.parameter(name)[1] and name not in given:
            mistake(file, None, f"{who} wants the parameter `{name}`")


def check_modules(file, files):
    for name, node in file.declared["module"].items():
        target = files.get((file.path.parent / file.target(name)).resolve())
        if target is None:
            mistake(file, node, f"there is no `{file.target(name)}`")
            continue
        params = entries(body(node)).get("params")
        check_given(file, entries(params[1]) if params else {}, target, f"the module `{name}`")


def main(cache, folder):
    files = {path.resolve(): File(path) for path in sorted(Path(folder).rglob("*.bicep"))}
    targets = [file.target(name) for file in files.values() for name in file.declared["resource"]]
    table = types({target.partition("@")[0] for target in targets}, cache)
    for file in files.values():
        check_names(file)
        for name in file.declared["resource"]:
            check_resource(file, name, table)
        check_modules(file, files)
        check_reads(file, table, files)
    environments = sorted(Path(folder).rglob("*.bicepparam"))
    for path in environments:
        file = File(path)
        using = re.search(r"(?m)^using '(.+)'$", path.read_text())
        target = files.get((path.parent / using[1]).resolve()) if using else None
        if target is None:
            mistake(file, None, "`using` leads nowhere")
            continue
        given = {name: (node, parts(node)[-1]) for name, node in file.declared["variable"].items()}
        check_given(file, given, target, f"`{using[1]}`")
    print("\n".join(mistakes) or f"{len(files)} files, {len(targets)} resources, {len(environments)} environments")
    sys.exit(bool(mistakes))


if __name__ == "__main__":
    main(*sys.argv[1:])
