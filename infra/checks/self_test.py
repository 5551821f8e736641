"""Plants a mistake for every check, each in a copy of its own, and fails if one isn't noticed.

usage: self_test.py CHECK ROOT
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Everybody's: the one of the storage emulator.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
# check, file, what stands there, what is planted, and what must be said about it.
PLANTED = [
    ("bicep", "infra/main.bicep", "module data '", "modul data '", "not Bicep"),
    ("bicep", "infra/main.bicep", "alertEmail: alertEmail", "alertEmail: alertMail", "`alertMail` is not declared"),
    ("bicep", "infra/main.bicep", "data.outputs.packageUrl", "data.outputs.packageUri", "no output `packageUri`"),
    ("bicep", "infra/main.bicep", "    location: location\n    tags: tags\n    identityId", "    location: location\n    identityId", "wants the parameter `tags`"),
    ("bicep", "infra/main.bicep", "alwaysReady: alwaysReady\n", "alwaysReady: 'none'\n", "int is wanted"),
    ("bicep", "infra/main.bicep", "'modules/watch.bicep'", "'modules/watcher.bicep'", "there is no `modules/watcher.bicep`"),
    ("bicep", "infra/modules/app.bicep", "httpsOnly", "httpOnly", "no property `httpOnly`"),
    ("bicep", "infra/modules/app.bicep", "'blobContainer'", "'blobcontainer'", "`blobcontainer` is none of"),
    ("bicep", "infra/modules/app.bicep", "instanceMemoryMB: 512", "instanceMemoryMB: '512'", "int is wanted"),
    ("bicep", "infra/modules/app.bicep", "  name: 'appsettings'", "  name: 'appsetings'", "there is no `appsetings`"),
    ("bicep", "infra/modules/app.bicep", "app.properties.defaultHostName", "app.properties.hostName", "there is no `hostName`"),
    ("bicep", "infra/modules/data.bicep", "'Strong'", "'Strongest'", "`Strongest` is none of"),
    ("bicep", "infra/modules/data.bicep", "  parent: databases\n", "", "`parent` is missing"),
    ("bicep", "infra/modules/data.bicep", "    databaseAccountOfferType: 'Standard'\n", "", "`databaseAccountOfferType` is missing"),
    ("bicep", "infra/modules/data.bicep", "'../data.json'", "'../date.json'", "there is no file"),
    ("bicep", "infra/modules/data.bicep", "queueServices/queues@", "queueServices/ques@", "is no type of Azure's"),
    ("bicep", "infra/modules/watch.bicep", "groupShortName: 'backline'", "shortName: 'backline'", "`groupShortName` is missing"),
    ("bicep", "infra/bootstrap.bicep", "uniqueString(resourceGroup().id)", "uniqString(resourceGroup().id)", "the function `uniqString`"),
    ("bicep", "infra/environments/staging.bicepparam", "'staging'", "'stagging'", "breaks @allowed"),
    ("bicep", "infra/environments/staging.bicepparam", "maximumInstances = 2", "maximumInstances = 0", "breaks @minValue(1)"),
    ("bicep", "infra/environments/production.bicepparam", "param alertEmail", "param alertMail", "wants the parameter `alertEmail`"),
    ("policies", "infra/modules/data.bicep", "minimumTlsVersion: 'TLS1_2'", "minimumTlsVersion: 'TLS1_0'", "CKV_AZURE_44"),
    ("policies", "infra/bootstrap.bicep", "enablePurgeProtection: true", "enablePurgeProtection: false", "CKV_AZURE_110"),
    ("policies", "infra/environments/staging.bicepparam", "operators@example.com", f"AccountKey={KEY}", "CKV_SECRET"),
    ("policies", "infra/modules/app.bicep", "param tags object", "param tags {", "can't read this"),
    ("policies", ".github/workflows/ci.yml", "permissions:\n  contents: read\n", "permissions: write-all\n", "CKV2_GHA_1"),
    ("queries", "infra/alerts/failures.kql", "ResultCode", "ResultCod", "ResultCod"),
    ("queries", "infra/alerts/queue-age.kql", "| where TimeGenerated", "| were TimeGenerated", "queue-age.kql:5"),
    ("pipelines", "pipelines/templates/deploy.yml", "timeoutInMinutes", "timeoutMinutes", "deploy.yml"),
    ("pipelines", "pipelines/templates/azure.yml", "azureSubscription", "azureSubscripton", "azure.yml"),
    ("pipelines", "pipelines/templates/verify.yml", "testResultsFormat: JUnit", "testResultsFormat: JUnix", "verify.yml"),
    ("pipelines", "pipelines/templates/rust.yml", "Cache@2", "Cash@2", "rust.yml"),
    ("templates", "pipelines/azure-pipelines.yml", "templates/preview.yml", "templates/previews.yml", "no template `templates/previews.yml`"),
    ("templates", "pipelines/azure-pipelines.yml", "environment: staging", "environment: stage", "which is none of"),
    ("templates", "pipelines/templates/deploy.yml", "step: ${{ step }}", "steps: ${{ step }}", "has no parameter `steps`"),
    ("templates", "pipelines/templates/artifact.yml", "pipelineId: ${{ parameters.rollbackTo }}", "pipelineId: ${{ parameters.rollback }}", "`rollback` is not declared"),
    ("templates", "pipelines/templates/package.yml", 'pipelines/package "', 'pipelines/package $HOME/"', "SC2086"),
    ("workflows", ".github/workflows/ci.yml", "runs-on: ubuntu-latest", "run-on: ubuntu-latest", "run-on"),
    ("workflows", ".github/workflows/ci.yml", "hashFiles(", "hashFile(", "hashFile"),
    ("functions", "host.json", '"functionTimeout"', '"functionTimeOut"', "functionTimeOut"),
    ("functions", "functions/sweep/function.json", '"in"', '"into"', "sweep"),
    ("functions", "functions/advance_conversations/function.json", '"conversations"', '"conversation"', "makes no queueName `conversation`"),
    ("functions", "functions/sweep/function.json", '"name": "timer"', '"name": "timer", "containerName": "leases"', "makes no containerName `leases`"),
    ("shell", "infra/deploy", 'backline webhook set "$url"', "backline webhook set $url", "SC2086"),
    ("scripts", "infra/deploy", '  own_data "$app"\n', "", "an app that remembers elsewhere gets a package"),
    ("scripts", "infra/deploy", '[ "$there" = "$here" ] || fail "$app queues', 'true || fail "$app queues', "an app that queues elsewhere gets a package"),
    ("scripts", "infra/deploy", 'backline webhook set "$url"', 'az tag --note "$BOTS__news__secret" && backline webhook set "$url"', "a secret is on a command line"),
    ("scripts", "infra/deploy", '  "$step"\n', '  "$step" &&\n', "Azure refuses `config-zip`, and the step goes on"),
    ("scripts", "infra/deploy", ' --package "$file"', "", "staging is tried otherwise"),
    ("scripts", "infra/deploy", '[ "$environment" = staging ]; then', "true; then", "production is talked to"),
    ("scripts", "infra/deploy", '      export_secret "$vault" "$slug" token\n', "", "has no token"),
    ("scripts", "infra/deploy", '"${options[@]}"\n', '"${options[@]}" || true\n', "taken for well"),
    ("scripts", "pipelines/package", "--static ", "", "need not be static"),
    ("scripts", "pipelines/package", "cp -r infra ", ": ", "comes without infra/deploy"),
    ("scripts", "pipelines/verify", "|| status=$?", "|| true", "hides that something failed"),
    ("scripts", "pipelines/junit", '"failure", message', '"error", message', "junit"),
]
PARTS = (".ci", ".github", "functions", "host.json", "infra", "pipelines")


def plant(mistakes):
    """Which of these mistakes the check does not notice in one copy that has them all, each with what it says instead."""
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            source = Path(root, part)
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, Path(folder, part))
        for _, file, old, new, _ in mistakes:
            path = Path(folder, file)
            text = path.read_text()
            if old not in text:
                return [(mistake, f"`{old}` is not in {file}, to be replaced") for mistake in mistakes]
            path.write_text(text.replace(old, new, 1))
        environment = {**os.environ, "ROOT": folder}
        command = [program, mistakes[0][0]]
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        said = done.stdout + done.stderr
        return [(mistake, said) for mistake in mistakes if done.returncode == 0 or mistake[-1] not in done.stdout]


program, root = sys.argv[1:]
# One mistake a copy, so that none hides another; but Checkov takes seconds, and gets all of its at once.
copies = [[mistake] for mistake in PLANTED if mistake[0] != "policies"]
copies.insert(0, [mistake for mistake in PLANTED if mistake[0] == "policies"])
with ThreadPoolExecutor(os.cpu_count()) as pool:
    unnoticed = [one for copy in pool.map(plant, copies) for one in copy]
for (check, file, old, new, words), said in unnoticed:
    print(f"{check} did not notice `{new.strip()}` in {file}, or did not say `{words}`:\n{said}")
print(f"{len(PLANTED) - len(unnoticed)} of {len(PLANTED)} planted mistakes were noticed")
sys.exit(bool(unnoticed))
