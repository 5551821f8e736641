//! The reference data that every app has: its areas, the people who have talked to the bot, the languages it speaks, and
//! where somebody was last.

use super::{question::Choice, script::LookUp};
use crate::{
    locale::Language,
    model::{Area, Facility, Person, Position, Text},
};

/// The areas of the app's ground: `chat.look_up(Areas).await`.
#[derive(Clone, Copy, Debug)]
pub struct Areas;

impl LookUp for Areas {
    const NAME: &'static str = "areas";
    type Output = Vec<Area>;
}

/// Everybody who has talked to this bot: `chat.look_up(People).await`.
#[derive(Clone, Copy, Debug)]
pub struct People;

impl LookUp for People {
    const NAME: &'static str = "people";
    type Output = Vec<Person>;
}

/// Where whoever the workflow talks to was seen last, if that is [recent](Position::is_recent):
/// `chat.look_up(Whereabouts).await`.
#[derive(Clone, Copy, Debug)]
pub struct Whereabouts;

impl LookUp for Whereabouts {
    const NAME: &'static str = "whereabouts";
    type Output = Option<Position>;
}

/// The languages that the app speaks: `chat.look_up(Languages).await`.
#[derive(Clone, Copy, Debug)]
pub struct Languages;

impl LookUp for Languages {
    const NAME: &'static str = "languages";
    type Output = Vec<Language>;
}

impl Choice for Language {
    fn key(&self) -> String {
        self.tag.clone()
    }
    fn label(&self) -> Text {
        Text::literal(&self.name)
    }
}

impl Choice for Area {
    fn key(&self) -> String {
        self.id.clone()
    }
    fn label(&self) -> Text {
        Text::literal(&self.name)
    }
}

impl Choice for Facility {
    fn key(&self) -> String {
        self.id.clone()
    }
    fn label(&self) -> Text {
        Text::literal(&self.name)
    }
}
