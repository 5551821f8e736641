//! What an app is made of: its workflows, activities, words and places, in one table.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::script::{Activity, Chat};
use crate::{locale::Locales, model::Text};

/// A script, made ready to be played.
pub type Script = dyn Fn(Chat) -> Pin<Box<dyn Future<Output = ()>>> + std::marker::Send + Sync;

/// One kind of conversation.
#[derive(Clone)]
pub struct Workflow {
    pub(super) name: String,
    pub(super) version: u32,
    pub(super) command: Option<String>,
    pub(super) title: Option<Text>,
    pub(super) script: Arc<Script>,
}

impl Workflow {
    /// A workflow that runs `script`. Its name goes into every log and must not change.
    pub fn new<F>(name: &str, script: impl Fn(Chat) -> F + std::marker::Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + 'static,
    {
        let script: Arc<Script> = Arc::new(move |chat| Box::pin(script(chat)));
        Self { name: name.to_owned(), version: 1, command: None, title: None, script }
    }

    /// `/command` starts it; `title` explains the command in `/help` and in Telegram's menu. So does a link
    /// `https://t.me/bot?start=command`; with `command-7` the script is told the payload `7`. Links to anything else
    /// lead to the workflow of `/start`, with all of their payload.
    #[must_use]
    pub fn command(mut self, command: &str, title: Text) -> Self {
        self.command = Some(command.to_owned());
        self.title = Some(title);
        self
    }

    /// Which version of the script this is, for the log; any version may go on with any conversation.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }
}

/// Why an activity did not give its result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActivityFailure {
    /// It may go better later: it is tried again with growing pauses, and at last fails for good.
    #[error("{0}")]
    Transient(String),
    /// It will never go: this is the result.
    #[error("{0}")]
    Final(String),
}

type Run = dyn Fn(Value) -> BoxFuture<'static, Result<Value, ActivityFailure>> + std::marker::Send + Sync;

/// The commands of an app as Telegram's menu shows them to people of one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// Two letters (ISO 639-1), as `setMyCommands` takes them; none for everybody whose language has no menu of its own.
    pub language: Option<String>,
    /// Commands without their slash, with what they are for.
    pub commands: Vec<(String, String)>,
}

/// Telegram's menu shows so much of what a command is for (<https://core.telegram.org/bots/api#botcommand>).
const LONGEST_DESCRIPTION: usize = 256;

/// Everything that is particular to an app. Given to [`backline::run`](crate::run).
#[derive(Clone, Default)]
pub struct Table {
    pub(super) workflows: Vec<Workflow>,
    activities: BTreeMap<String, Arc<Run>>,
    words: Vec<(String, String)>,
    reference: BTreeMap<String, Vec<Value>>,
    locales: Arc<Locales>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a workflow. One of the same name is replaced.
    #[must_use]
    pub fn workflow(mut self, workflow: Workflow) -> Self {
        self.workflows.retain(|known| known.name != workflow.name);
        self.workflows.push(workflow);
        self
    }

    /// Adds an activity: `run` does the work when a script calls it. It may be run twice for one result.
    #[must_use]
    pub fn activity<A, F>(mut self, run: impl Fn(A) -> F + std::marker::Send + Sync + 'static) -> Self
    where
        A: Activity,
        F: Future<Output = Result<A::Output, ActivityFailure>> + std::marker::Send + 'static,
    {
        let run = Arc::new(run);
        let run: Arc<Run> = Arc::new(move |arguments| {
            let run = run.clone();
            Box::pin(async move {
                let arguments = serde_json::from_value(arguments)
                    .map_err(|e| ActivityFailure::Final(format!("the arguments of `{}`: {e}", A::NAME)))?;
                let output = run(arguments).await?;
                serde_json::to_value(output)
                    .map_err(|e| ActivityFailure::Final(format!("the result of `{}`: {e}", A::NAME)))
            })
        });
        self.activities.insert(A::NAME.to_owned(), run);
        self
    }

    /// Adds the words of a language: the source of a Fluent file (<https://projectfluent.org>).
    ///
    /// # Panics
    /// If the source is not Fluent: this is found at the first start, never in front of a user.
    #[must_use]
    pub fn words(mut self, language: &str, source: &str) -> Self {
        self.words.push((language.to_owned(), source.to_owned()));
        let sources: Vec<(&str, &str)> = self.words.iter().map(|(l, s)| (l.as_str(), s.as_str())).collect();
        match Locales::new(&sources) {
            Ok(locales) => self.locales = Arc::new(locales),
            Err(why) => panic!("the words for `{language}`: {why}"),
        }
        self
    }

    /// Adds reference data that comes with the app, as a JSON list of documents: a store that has none begins with it.
    /// From then on the store's own counts.
    ///
    /// # Panics
    /// If it is no JSON list.
    #[must_use]
    pub fn reference(mut self, name: &str, json: &str) -> Self {
        match serde_json::from_str(json) {
            Ok(documents) => self.reference.insert(name.to_owned(), documents),
            Err(why) => panic!("the reference data `{name}`: {why}"),
        };
        self
    }

    /// The workflow of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Workflow> {
        self.workflows.iter().find(|workflow| workflow.name == name)
    }

    /// The workflow that `/command` starts; `/start` also starts one that is called so.
    pub(super) fn for_command(&self, command: &str) -> Option<&Workflow> {
        let by_command = self.workflows.iter().find(|workflow| workflow.command.as_deref() == Some(command));
        by_command.or_else(|| self.named(command).filter(|_| command == "start"))
    }

    /// The commands of the app with what they are for, in the order of the table.
    pub fn commands(&self) -> impl Iterator<Item = (&str, &Text)> {
        self.workflows
            .iter()
            .filter_map(|workflow| Some((workflow.command.as_deref()?, workflow.title.as_ref()?)))
    }

    /// The menus of the app: one for everybody, then one for each language that it speaks
    /// (<https://core.telegram.org/bots/api#setmycommands>).
    #[must_use]
    pub fn menus(&self) -> Vec<Menu> {
        let languages = self.locales.languages().into_iter().map(|language| Some(language.tag));
        // Telegram knows no regions here: `de-CH` reads the menu for `de`.
        let known = languages.filter(|language| language.as_ref().is_some_and(|tag| tag.len() == 2));
        std::iter::once(None).chain(known).map(|language| self.menu(language)).collect()
    }

    fn menu(&self, language: Option<String>) -> Menu {
        let (cancel, help) = (crate::text!("cancel-title"), crate::text!("help-title"));
        let described =
            self.commands().chain([("cancel", &cancel), ("help", &help)]).map(|(command, title)| {
                let title = self.locales.plain(title, language.as_deref());
                (command.to_owned(), title.chars().take(LONGEST_DESCRIPTION).collect())
            });
        Menu { commands: described.collect(), language: language.clone() }
    }

    /// The words of the app.
    #[must_use]
    pub fn locales(&self) -> &Arc<Locales> {
        &self.locales
    }

    /// Reference data that comes with the app.
    #[must_use]
    pub fn own_reference(&self, name: &str) -> &[Value] {
        self.reference.get(name).map_or(&[], Vec::as_slice)
    }

    /// What does the work of this name.
    #[must_use]
    pub fn runner(
        &self,
        activity: &str,
    ) -> Option<
        impl Fn(Value) -> BoxFuture<'static, Result<Value, ActivityFailure>> + std::marker::Send + use<>,
    > {
        let run = self.activities.get(activity)?.clone();
        Some(move |arguments| run(arguments))
    }
}
