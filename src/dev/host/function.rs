//! One function as its function.json tells it: a trigger, inputs, outputs.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::{
    app::Forward,
    duration,
    feed::Feed,
    json::Json,
    route::Route,
    schedule::Schedule,
    settings::{self, Settings},
};

/// A function, ready to be called.
#[derive(Debug)]
pub(super) struct Function {
    /// As its folder is spelled.
    pub(super) name: String,
    /// What the trigger's value is called in the handler's input.
    pub(super) binding: String,
    pub(super) trigger: Trigger,
    pub(super) outputs: Vec<Output>,
    pub(super) retry: Option<Retry>,
    /// Switched off by the setting `AzureWebJobs.<name>.Disabled`.
    pub(super) disabled: bool,
    /// Is the HTTP request passed on as it came? Only pure HTTP functions can.
    pub(super) forward: Forward,
}

/// What calls a function.
#[derive(Debug)]
pub(super) enum Trigger {
    /// A request.
    Http { route: Route, methods: Vec<String>, level: Level },
    /// A message; `binary` if the handler wants bytes.
    Queue { queue: String, binary: bool },
    /// The clock.
    Timer { schedule: Schedule, run_on_startup: bool, monitored: bool },
    /// Documents that changed.
    Feed(Box<Feed>),
}

/// Which key a request must show, where keys are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Anonymous,
    Function,
    Admin,
}

/// Where a function's results go.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) name: String,
    /// Are texts passed as they are, never taken for base64?
    pub(super) binary: bool,
    pub(super) target: Target,
}

/// What an output is.
#[derive(Debug)]
pub(super) enum Target {
    /// The answer to the request.
    Http,
    /// A queue, by a name that may refer to the trigger's data (`exp-{id}`).
    Queue(String),
}

/// What to do when an invocation fails, within the host.
/// <https://learn.microsoft.com/azure/azure-functions/functions-bindings-error-pages#retry-policies>
#[derive(Clone, Debug)]
pub(super) struct Retry {
    /// None for ever.
    pub(super) most: Option<u32>,
    pub(super) pause: Pause,
}

/// How long to wait before an attempt is repeated.
#[derive(Clone, Debug)]
pub(super) enum Pause {
    Fixed(Duration),
    /// From, doubling up to.
    Growing(Duration, Duration),
}

/// What the functions of an app have in common.
pub(super) struct Context<'a> {
    pub(super) prefix: &'a str,
    pub(super) settings: &'a Settings,
    pub(super) retry: Option<Retry>,
    pub(super) forward: Forward,
}

impl Function {
    /// Reads a function.json.
    pub(super) fn read(name: &str, json: &Json, app: &Context<'_>) -> Result<Self> {
        check_name(name)?;
        let bindings = json.member("bindings").map(Json::items).unwrap_or_default();
        check_bindings(bindings)?;
        let is_trigger = |binding: &&Json| kind(binding).ends_with("trigger");
        let triggers: Vec<&Json> = bindings.iter().filter(is_trigger).collect();
        let [trigger] = triggers.as_slice() else {
            bail!("it has {} triggers: `bindings` needs exactly one", triggers.len());
        };
        let mut outputs = Vec::new();
        for binding in bindings.iter().filter(|binding| !is_trigger(binding)) {
            outputs.push(Output::read(binding, app.settings)?);
        }
        let pure_http = kind(trigger) == "httptrigger"
            && matches!(outputs.as_slice(), [Output { target: Target::Http, .. }]);
        let disabled = settings::setting(app.settings, &format!("AzureWebJobs.{name}.Disabled"))
            .is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1");
        let own_retry = json.member("retry").map(Retry::read).transpose().context("its `retry`")?;
        Ok(Self {
            name: name.to_owned(),
            binding: text(trigger, "name").unwrap_or_default().to_owned(),
            trigger: Trigger::read(name, trigger, app)?,
            outputs,
            retry: own_retry.or_else(|| app.retry.clone()),
            disabled,
            forward: if pure_http { app.forward } else { Forward::Never },
        })
    }
}

/// `^[a-z][a-z0-9_\-]{0,127}$` in any case, and not `host`, which the host keeps for itself.
fn check_name(name: &str) -> Result<()> {
    let fits = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && name.len() <= 128
        && !name.eq_ignore_ascii_case("host");
    if !fits {
        bail!(
            "`{name}` is no function name: a letter, then at most 127 letters, digits, `_` or `-`, and not `host`"
        );
    }
    Ok(())
}

fn check_bindings(bindings: &[Json]) -> Result<()> {
    for (i, binding) in bindings.iter().enumerate() {
        for key in ["type", "direction", "name"] {
            if text(binding, key).is_none_or(str::is_empty) {
                bail!("binding {} has no `{key}`", i + 1);
            }
        }
        let name = text(binding, "name").unwrap_or_default();
        if bindings[..i].iter().any(|b| text(b, "name").is_some_and(|n| n.eq_ignore_ascii_case(name))) {
            bail!("two bindings are named `{name}`");
        }
    }
    Ok(())
}

fn text<'a>(binding: &'a Json, key: &str) -> Option<&'a str> {
    binding.member(key).and_then(Json::text)
}

fn kind(binding: &Json) -> String {
    text(binding, "type").unwrap_or_default().to_ascii_lowercase()
}

fn is_binary(binding: &Json) -> bool {
    text(binding, "dataType").is_some_and(|kind| kind.eq_ignore_ascii_case("binary"))
}

impl Trigger {
    fn read(name: &str, binding: &Json, app: &Context<'_>) -> Result<Self> {
        let setting = |key: &str| -> Result<String> {
            let text = text(binding, key).with_context(|| format!("its trigger has no `{key}`"))?;
            settings::resolve(text, app.settings)
        };
        match kind(binding).as_str() {
            "httptrigger" => {
                let route = text(binding, "route").filter(|route| !route.is_empty()).unwrap_or(name);
                let route =
                    Route::parse(&format!("{}/{}", app.prefix, settings::resolve(route, app.settings)?))?;
                for reserved in ["admin", "runtime"] {
                    let first = route.template().split('/').next().unwrap_or_default();
                    if first.eq_ignore_ascii_case(reserved) {
                        bail!(
                            "the route `{}` is the host's own: choose another than `{reserved}/…`",
                            route.template()
                        );
                    }
                }
                let methods = binding.member("methods").map(Json::items).unwrap_or_default();
                Ok(Self::Http {
                    route,
                    methods: methods.iter().filter_map(Json::text).map(str::to_ascii_uppercase).collect(),
                    level: Level::read(text(binding, "authLevel"))?,
                })
            }
            "queuetrigger" => Ok(Self::Queue { queue: setting("queueName")?, binary: is_binary(binding) }),
            "timertrigger" => {
                let schedule = Schedule::parse(&setting("schedule")?)?;
                let flag = |key: &str| binding.member(key).and_then(Json::truth);
                let monitored = flag("useMonitor").unwrap_or(true) && !schedule.is_sub_minute();
                let run_on_startup = flag("runOnStartup").unwrap_or(false);
                Ok(Self::Timer { schedule, run_on_startup, monitored })
            }
            "cosmosdbtrigger" => Ok(Self::Feed(Box::new(Feed::read(binding, app.settings)?))),
            _ => bail!(
                "the local host has no trigger of type `{}`: it knows httpTrigger, queueTrigger, timerTrigger and cosmosDBTrigger",
                text(binding, "type").unwrap_or_default()
            ),
        }
    }

    /// `httpTrigger`, `queueTrigger`, `timerTrigger`, `cosmosDBTrigger`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Http { .. } => "httpTrigger",
            Self::Queue { .. } => "queueTrigger",
            Self::Timer { .. } => "timerTrigger",
            Self::Feed(_) => "cosmosDBTrigger",
        }
    }

    /// The methods a request may have; none for any, and for what is no request.
    pub(super) fn methods(&self) -> &[String] {
        match self {
            Self::Http { methods, .. } => methods,
            _ => &[],
        }
    }

    /// Its route, queue, schedule or container, with the word for it.
    pub(super) fn what(&self) -> (&'static str, &str) {
        match self {
            Self::Http { route, .. } => ("route", route.template()),
            Self::Queue { queue, .. } => ("queue", queue),
            Self::Timer { schedule, .. } => ("schedule", schedule.text()),
            Self::Feed(feed) => ("container", &feed.container),
        }
    }
}

impl Level {
    fn read(text: Option<&str>) -> Result<Self> {
        match text.unwrap_or("function").to_ascii_lowercase().as_str() {
            "anonymous" => Ok(Self::Anonymous),
            "function" => Ok(Self::Function),
            "admin" => Ok(Self::Admin),
            other => bail!("`authLevel` is `{other}`: it must be anonymous, function or admin"),
        }
    }
}

impl Output {
    fn read(binding: &Json, settings: &Settings) -> Result<Self> {
        let kind = kind(binding);
        let direction = text(binding, "direction").unwrap_or_default();
        let target = match kind.as_str() {
            "http" if direction.eq_ignore_ascii_case("out") => Target::Http,
            "queue" if direction.eq_ignore_ascii_case("out") => {
                let name = text(binding, "queueName").context("its queue output has no `queueName`")?;
                Target::Queue(settings::resolve(name, settings)?)
            }
            _ => bail!(
                "the local host has no binding of type `{}` and direction `{direction}`: beside triggers it knows the outputs http and queue",
                text(binding, "type").unwrap_or_default()
            ),
        };
        Ok(Self {
            name: text(binding, "name").unwrap_or_default().to_owned(),
            binary: is_binary(binding),
            target,
        })
    }
}

impl Retry {
    /// Reads a `retry` section.
    pub(super) fn read(json: &Json) -> Result<Self> {
        let most =
            json.member("maxRetryCount").and_then(Json::integer).context("`maxRetryCount` is missing")?;
        let time = |key: &str| {
            let text = text(json, key).with_context(|| format!("`{key}` is missing"))?;
            duration::parse_positive(text).with_context(|| format!("`{key}`"))
        };
        let pause = match text(json, "strategy").unwrap_or_default().to_ascii_lowercase().as_str() {
            "fixeddelay" => Pause::Fixed(time("delayInterval")?),
            "exponentialbackoff" => Pause::Growing(time("minimumInterval")?, time("maximumInterval")?),
            other => bail!("`strategy` is `{other}`: it must be fixedDelay or exponentialBackoff"),
        };
        Ok(Self { most: u32::try_from(most).ok(), pause })
    }

    /// How long to wait after `failures` failures; none if that was the last attempt.
    pub(super) fn pause_after(&self, failures: u32) -> Option<Duration> {
        if self.most.is_some_and(|most| failures > most) {
            return None;
        }
        Some(match self.pause {
            Pause::Fixed(pause) => pause,
            Pause::Growing(from, to) => {
                from.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(to)
            }
        })
    }
}
