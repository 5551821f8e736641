//! What somebody likes: for now, the language that is spoken with them.

use crate::{
    Text,
    engine::{Chat, Choice, Languages, choice},
    locale::Language,
    text,
};

/// `/settings`
pub(super) async fn settings(chat: Chat) {
    if chat.is_in_group() {
        return chat.say(text!("settings-in-private"));
    }
    let languages = chat.look_up(Languages).await;
    let all = languages.into_iter().map(Spoken::This).chain([Spoken::AsInTelegram]);
    match chat.ask(choice("language", text!("settings-language"), all)).await {
        Spoken::This(language) => {
            chat.use_language(Some(&language.tag));
            chat.say(text!("settings-done"));
        }
        Spoken::AsInTelegram => {
            chat.use_language(None);
            chat.say(text!("settings-done-telegram"));
        }
    }
}

/// What can be spoken with somebody.
#[derive(Clone)]
enum Spoken {
    This(Language),
    AsInTelegram,
}

impl Choice for Spoken {
    fn key(&self) -> String {
        match self {
            Self::This(language) => language.key(),
            Self::AsInTelegram => "telegram".to_owned(),
        }
    }
    fn label(&self) -> Text {
        match self {
            Self::This(language) => language.label(),
            Self::AsInTelegram => text!("settings-language-telegram"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{engine::rehearse_table, workflows::table};

    #[test]
    fn whoever_chooses_a_language_is_spoken_to_in_it() {
        rehearse_table(&table(), include_str!("settings.talk")).unwrap();
        rehearse_table(&table(), include_str!("settings.de.talk")).unwrap();
    }
}
