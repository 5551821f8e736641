//! A function app as its files tell it: host.json, local.settings.json and the functions' folders.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::{
    duration,
    function::{self, Function, Retry, Trigger},
    json::Json,
    settings::{self, Settings},
};

/// An app, read and checked.
#[derive(Debug)]
pub(super) struct App {
    pub(super) root: PathBuf,
    pub(super) settings: Settings,
    pub(super) handler: Handler,
    pub(super) forward: Forward,
    /// How long an invocation may take; none for ever.
    pub(super) function_timeout: Option<Duration>,
    pub(super) queues: Queues,
    /// Sorted by name, ignoring case: the order in which routes are tried.
    pub(super) functions: Vec<Arc<Function>>,
    /// Functions that could not be loaded, and why.
    pub(super) faults: Vec<(String, String)>,
    /// What the files ask for and this host does not do.
    pub(super) warnings: Vec<String>,
}

/// How pure HTTP functions reach the handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forward {
    /// Wrapped in JSON, like every other invocation.
    Never,
    /// As they came.
    Path,
    /// As they came, but to `/<function name>`: the legacy `httpWorker` section.
    Name,
}

/// How the handler is started.
#[derive(Debug)]
pub(super) struct Handler {
    pub(super) executable: PathBuf,
    /// Everything after the executable, with references not yet replaced.
    pub(super) arguments: String,
    pub(super) directory: PathBuf,
    /// Is every line on stderr an error?
    pub(super) stderr_is_errors: bool,
    /// How long the handler may take to listen.
    pub(super) startup_limit: Duration,
}

/// `extensions.queues` of host.json.
/// <https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#hostjson-settings>
#[derive(Clone, Debug)]
pub(super) struct Queues {
    pub(super) batch: usize,
    pub(super) threshold: usize,
    pub(super) longest_pause: Duration,
    pub(super) visibility: Duration,
    pub(super) most_dequeues: u32,
}

impl App {
    /// Reads the app in `root`.
    ///
    /// # Errors
    /// Say what is wrong, where, and what to do about it.
    pub(super) fn read(root: &Path, environment: &BTreeMap<String, String>) -> Result<Self> {
        // The handler may be started in another folder, so nothing may depend on the current one.
        let root = &std::path::absolute(root).with_context(|| format!("the root {}", root.display()))?;
        let file = root.join("host.json");
        if !file.is_file() {
            bail!(
                "there is no host.json in {}: start in the folder of the app, or name it with --root",
                root.display()
            );
        }
        let settings = settings::load(root, environment)?;
        let mut host = settings::read(&file)?;
        settings::override_host_json(&mut host, &settings);
        let (handler, forward) =
            handler(root, &host, &settings).with_context(|| format!("in {}", file.display()))?;
        let prefix = host.path(&["extensions", "http", "routePrefix"]).and_then(Json::text).unwrap_or("api");
        let retry = host.member("retry").map(Retry::read).transpose().context("`retry` in host.json")?;
        let only: Option<Vec<&str>> =
            host.member("functions").map(|names| names.items().iter().filter_map(Json::text).collect());
        let context = function::Context { prefix, settings: &settings, retry, forward };
        let (mut functions, mut faults) = (Vec::new(), Vec::new());
        for (name, file) in function_files(root)? {
            let json = settings::read(&file)?;
            if only.as_ref().is_some_and(|only| !only.iter().any(|one| one.eq_ignore_ascii_case(&name))) {
                continue;
            }
            match Function::read(&name, &json, &context) {
                Ok(function) => functions.push(Arc::new(function)),
                Err(e) => faults.push((name, format!("{e:#} ({})", file.display()))),
            }
        }
        functions.sort_by_key(|function| function.name.to_uppercase());
        Ok(Self {
            root: root.to_owned(),
            handler,
            forward,
            function_timeout: function_timeout(&host)?,
            queues: Queues::read(&host)?,
            warnings: [warnings(&host, &settings), shared_leases(&functions)].concat(),
            settings,
            functions,
            faults,
        })
    }

    /// The function of this name, in any case.
    pub(super) fn function(&self, name: &str) -> Option<&Arc<Function>> {
        self.functions.iter().find(|function| function.name.eq_ignore_ascii_case(name))
    }
}

fn warnings(host: &Json, settings: &Settings) -> Vec<String> {
    let asks = |path: &[&str]| host.path(path).is_some_and(|value| value.truth() != Some(false));
    let zone = settings::setting(settings, "WEBSITE_TIME_ZONE").unwrap_or("UTC");
    let encoding = host.path(&["extensions", "queues", "messageEncoding"]).and_then(Json::text);
    let mut warnings = Vec::new();
    for (asked, warning) in [
        (
            asks(&["customHandler", "enableProxyingHttpRequest"]),
            "host.json: `enableProxyingHttpRequest` is ignored here (no streaming): set `enableForwardingHttpRequest`",
        ),
        (
            asks(&["customHandler", "http"]),
            "host.json: `customHandler.http` is ignored here: write a function.json for each route",
        ),
        (
            asks(&["customHandler", "port"]),
            "host.json: `customHandler.port` is ignored here: a free port is used",
        ),
        (
            asks(&["customHandler"]) && asks(&["httpWorker"]),
            "host.json: `httpWorker` is ignored beside `customHandler`: remove it",
        ),
        (
            !zone.eq_ignore_ascii_case("UTC"),
            "WEBSITE_TIME_ZONE is ignored: timers go by UTC here, as they do on Azure's Linux plans",
        ),
        (
            encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("none")),
            "host.json: `messageEncoding` none is ignored here: in a storage account messages are base64",
        ),
    ] {
        if asked {
            warnings.push(warning.to_owned());
        }
    }
    warnings
}

/// On Azure, each change would come to one of such functions only; here each has its own checkpoints.
fn shared_leases(functions: &[Arc<Function>]) -> Vec<String> {
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    let mut warnings = Vec::new();
    for function in functions {
        let Trigger::Feed(feed) = &function.trigger else { continue };
        if let Some(other) = known.insert(feed.identity(), &function.name) {
            warnings.push(format!(
                "`{other}` and `{}` follow the same container with the same leases, and on Azure would share its changes between them: give each a `leaseContainerPrefix` of its own",
                function.name
            ));
        }
    }
    warnings
}

/// The files that make an app: when one changes, the app is read anew.
pub(super) fn files(root: &Path) -> Vec<PathBuf> {
    let mut files = vec![root.join("host.json"), root.join("local.settings.json")];
    files.extend(function_files(root).unwrap_or_default().into_iter().map(|(_, file)| file));
    files
}

/// The functions' names and files: one folder each, under the root or under `functions/` in it.
fn function_files(root: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    for parent in [root.to_owned(), root.join("functions")] {
        let Ok(folders) = fs::read_dir(&parent) else { continue };
        for folder in folders {
            let folder = folder.with_context(|| format!("cannot list {}", parent.display()))?;
            let file = folder.path().join("function.json");
            let name = folder.file_name().to_string_lossy().into_owned();
            if !file.is_file() {
                continue;
            }
            if let Some((_, other)) = found.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                bail!("two functions are named `{name}`: remove {} or {}", file.display(), other.display());
            }
            found.push((name, file));
        }
    }
    found.sort();
    Ok(found)
}

fn handler(root: &Path, host: &Json, settings: &Settings) -> Result<(Handler, Forward)> {
    let (section, name) = match (host.member("customHandler"), host.member("httpWorker")) {
        (Some(section), _) => (section, "customHandler"),
        (None, Some(section)) => (section, "httpWorker"),
        (None, None) => bail!(
            "there is no `customHandler` section: add {{\"description\": {{\"defaultExecutablePath\": \"…\"}}}}"
        ),
    };
    let description =
        section.member("description").with_context(|| format!("`{name}` has no `description`"))?;
    let text = |key: &str| description.member(key).and_then(Json::text).unwrap_or_default();
    let in_root = |path: &str| root.join(settings::expand(path, settings));
    let workers = in_root(text("workerDirectory"));
    let path = settings::expand(text("defaultExecutablePath"), settings);
    if path.is_empty() {
        bail!(
            "`{name}.description.defaultExecutablePath` is missing or empty: name the handler's executable"
        );
    }
    let executable = executable(&workers, &path, settings)?;
    let mut arguments = arguments(description.member("arguments"))?;
    if !text("defaultWorkerPath").is_empty() {
        arguments.push(format!("\"{}\"", workers.join(text("defaultWorkerPath")).display()));
    }
    arguments.extend(self::arguments(description.member("workerArguments"))?);
    let forward = match section.member("enableForwardingHttpRequest").and_then(Json::truth) {
        _ if name == "httpWorker" => Forward::Name,
        Some(true) => Forward::Path,
        _ => Forward::Never,
    };
    let startup_limit = match section.member("initializationTimeout").and_then(Json::text) {
        Some(text) => duration::parse(text).context("`customHandler.initializationTimeout`")?,
        None => Duration::from_secs(30),
    };
    let handler = Handler {
        executable,
        arguments: arguments.join(" "),
        directory: in_root(text("workingDirectory")),
        stderr_is_errors: description
            .member("useStdErrorStreamForErrorsOnly")
            .and_then(Json::truth)
            .unwrap_or(true),
        startup_limit,
    };
    Ok((handler, forward))
}

/// Arguments, given as a list or as one text that holds a JSON list.
fn arguments(given: Option<&Json>) -> Result<Vec<String>> {
    let list = match given {
        Some(Json::Text(text)) => {
            Json::parse_whole(text).context("`arguments` is a text but no JSON list")?
        }
        Some(json) => json.clone(),
        None => Json::Null,
    };
    Ok(list.items().iter().filter_map(Json::text).map(str::to_owned).collect())
}

/// A file in the worker's folder if there is one, else what the search path has.
fn executable(workers: &Path, path: &str, settings: &Settings) -> Result<PathBuf> {
    let here = workers.join(path);
    if here.is_file() {
        return Ok(here);
    }
    let searched = settings::setting(settings, "PATH").unwrap_or_default();
    let found = std::env::split_paths(searched).map(|folder| folder.join(path)).find(|file| file.is_file());
    match found {
        Some(file) if !path.contains('/') => Ok(file),
        _ => bail!(
            "the handler's executable `{path}` is neither in {} nor on the PATH: build it, or correct `defaultExecutablePath`",
            workers.display()
        ),
    }
}

fn function_timeout(host: &Json) -> Result<Option<Duration>> {
    match host.member("functionTimeout") {
        None => Ok(Some(Duration::from_secs(5 * 60))),
        Some(value) if value.integer() == Some(-1) => Ok(None),
        Some(value) => {
            let text = value.text().context("`functionTimeout` is no text like \"00:05:00\"")?;
            duration::parse(text).map(Some).context("`functionTimeout` in host.json")
        }
    }
}

impl Queues {
    fn read(host: &Json) -> Result<Self> {
        let section = host.path(&["extensions", "queues"]).cloned().unwrap_or(Json::Null);
        let number = |key: &str| section.member(key).and_then(Json::integer);
        let time = |key: &str, default: Duration| match section.member(key).and_then(Json::text) {
            Some(text) => duration::parse(text).with_context(|| format!("`extensions.queues.{key}`")),
            None => Ok(default),
        };
        let batch = usize::try_from(number("batchSize").unwrap_or(16)).unwrap_or(16);
        if !(1..=32).contains(&batch) {
            bail!("`extensions.queues.batchSize` is {batch}: it must be 1 to 32");
        }
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let threshold = number("newBatchThreshold").and_then(|n| usize::try_from(n).ok());
        Ok(Self {
            batch,
            threshold: threshold.unwrap_or(batch / 2 * processors),
            longest_pause: time("maxPollingInterval", Duration::from_secs(2))?
                .max(Duration::from_millis(100)),
            visibility: time("visibilityTimeout", Duration::ZERO)?,
            most_dequeues: number("maxDequeueCount").and_then(|n| u32::try_from(n).ok()).unwrap_or(5).max(1),
        })
    }
}
