//! Somebody who follows a page: types its commands, writes its files, holds its conversations.

use std::{fs, path::PathBuf, process::Command};

use serde_json::Value;

use super::{
    Done, PROGRAM, Workshop, built,
    document::{Block, change, fits},
};
use crate::dev::{ADA, Dev, Start};

/// The command that runs everything: it goes on until the next one, or the page's end.
const DEV: &str = "cargo run -q -- dev";

pub(super) struct Reader {
    workshop: Workshop,
    /// Where the shell is.
    place: PathBuf,
    /// What the last commands printed.
    printed: String,
    dev: Option<Dev>,
    /// What Ada heard last.
    heard: Value,
}

impl Reader {
    pub(super) fn new() -> Self {
        let workshop = Workshop::new();
        let place = workshop.path().to_owned();
        Self { workshop, place, printed: String::new(), dev: None, heard: Value::Null }
    }

    pub(super) async fn follow(&mut self, block: &Block<'_>) {
        match block {
            Block::Commands(text) if text.trim() == DEV => self.start().await,
            Block::Commands(text) => self.printed = self.run(text).well(),
            Block::Output(shown) => {
                let printed = &self.printed;
                assert!(fits(shown, printed), "the page shows:\n{shown}\nbut this is printed:\n{printed}");
            }
            Block::File(name, text) => {
                let file = self.place.join(name);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
            Block::Change(name, text) => {
                let file = self.place.join(name);
                fs::write(&file, change(&fs::read_to_string(&file).unwrap(), text)).unwrap();
            }
            Block::Chat(lines) => {
                for line in lines.lines() {
                    self.chat(line).await;
                }
            }
        }
    }

    /// Runs commands in the shell, which then stays where they leave it.
    pub(super) fn run(&mut self, commands: &str) -> Done {
        let whereabouts = self.workshop.path().join(".place");
        let folder = PathBuf::from(PROGRAM).parent().unwrap().display().to_string();
        let done = Done::of(
            Command::new("bash")
                .args(["-ec", &format!("PATH={folder:?}:$PATH\n{commands}\npwd > {whereabouts:?}")])
                .current_dir(&self.place),
        );
        if let Ok(place) = fs::read_to_string(&whereabouts) {
            self.place = place.trim_end().into();
        }
        done
    }

    /// Starts the bot as `cargo run` does, on ports that are free.
    async fn start(&mut self) {
        self.end().await;
        self.run("cargo build -q").well();
        let program = built(self.place.file_name().unwrap().to_str().unwrap());
        let data = self.place.join(".backline");
        let dev =
            Start { program, root: &self.place, data: &data, settings: &[], arguments: &[] }.start().await;
        let ready = dev.line("Backline is ready").unwrap();
        self.printed = ready
            .replace(&dev.telegram, "http://127.0.0.1:7072")
            .replace(&dev.functions, "http://127.0.0.1:7071");
        self.dev = Some(dev);
    }

    /// Ends the bot with Ctrl-C, if it runs.
    pub(super) async fn end(&mut self) {
        if let Some(mut dev) = self.dev.take() {
            assert!(dev.interrupt().await.success());
        }
    }

    /// A line of what is written in the chat page.
    async fn chat(&mut self, line: &str) {
        let dev = self.dev.as_ref().expect("the page starts `dev` before it chats");
        if let Some(words) = line.strip_prefix("< ") {
            let (words, buttons) = words.split_once(" [").unwrap_or((words, ""));
            self.heard = dev.hears(ADA, words).await;
            let rows = self.heard["reply_markup"]["inline_keyboard"].as_array().cloned().unwrap_or_default();
            let labels = rows.iter().flat_map(|row| row.as_array().unwrap());
            let labels: Vec<&str> = labels.map(|button| button["text"].as_str().unwrap()).collect();
            assert_eq!(labels.join("] ["), buttons.trim_end_matches(']'));
        } else if let Some(label) = line.strip_prefix("> Ada taps: ") {
            dev.press(ADA, &self.heard, label).await;
        } else if let Some(words) = line.strip_prefix("> Ada: ") {
            dev.say(ADA, words).await;
        } else {
            panic!("nobody can play `{line}`");
        }
    }
}
