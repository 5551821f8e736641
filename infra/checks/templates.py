"""What no language service sees in pipelines: do templates get the parameters they ask for, and is their shell right?

usage: templates.py FILE...
"""

import re
import subprocess
import sys
from pathlib import Path

import yaml

mistakes = []
scripts = 0


class Pairs(list):
    """A mapping that may have a key twice, as `${{ if }}` may be."""


class Loader(yaml.SafeLoader):
    pass


Loader.add_constructor(
    "tag:yaml.org,2002:map",
    lambda loader, node: Pairs((loader.construct_object(k, True), loader.construct_object(v, True)) for k, v in node.value),
)


def first(pairs, key):
    return next((value for name, value in pairs if name == key), None)


def declared(document):
    return {first(one, "name"): one for one in first(document, "parameters") or []}


def check_call(path, template, given):
    target = path.parent / template
    if not target.is_file():
        mistakes.append(f"{path}: there is no template `{template}`")
        return
    wanted = declared(yaml.load(target.read_text(), Loader))
    for name, value in given:
        if name not in wanted:
            mistakes.append(f"{path}: `{template}` has no parameter `{name}`")
        elif (values := first(wanted[name], "values")) and "${{" not in str(value) and value not in values:
            mistakes.append(f"{path}: `{name}` of `{template}` is `{value}`, which is none of {values}")
    for name, one in wanted.items():
        if first(one, "default") is None and first(given, name) is None:
            mistakes.append(f"{path}: `{template}` wants the parameter `{name}`")


def check_shell(path, script):
    global scripts
    scripts += 1
    plain = re.sub(r"\$\{\{.*?\}\}|\$\([A-Za-z_][\w.]*\)", "word", script)
    done = subprocess.run(["shellcheck", "--shell=bash", "--format=gcc", "-"], input=plain, capture_output=True, text=True)
    mistakes.extend(f"{path}: {line.removeprefix('-:')}: {script.strip()}" for line in done.stdout.splitlines())


def walk(path, node):
    if isinstance(node, Pairs):
        if isinstance(template := first(node, "template"), str):
            check_call(path, template, first(node, "parameters") or Pairs())
        for key, value in node:
            if key in ("bash", "run", "inlineScript") and isinstance(value, str):
                check_shell(path, value)
            walk(path, value)
    elif isinstance(node, list):
        for one in node:
            walk(path, one)


files = [Path(name) for name in sys.argv[1:]]
for path in files:
    document = yaml.load(path.read_text(), Loader)
    known = set(declared(document))
    used = set(re.findall(r"parameters\.(\w+)", path.read_text()))
    mistakes.extend(f"{path}: the parameter `{name}` is not declared" for name in used - known)
    mistakes.extend(f"{path}: the parameter `{name}` is never used" for name in known - used)
    walk(path, document)
print("\n".join(mistakes) or f"{len(files)} files, {scripts} scripts")
sys.exit(bool(mistakes))
