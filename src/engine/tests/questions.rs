//! Every kind of question: what answers it, and what is told to somebody who sends something else.

use chrono::NaiveDate;

use super::{app, goes_on, head, keyboards, pick, plays, q, t};
use crate::engine::{
    Chat, Given, choice, confirm, date, files, location, number, person, photos, text, toggles,
};
use crate::model::{FileKind, Person};

#[test]
fn a_choice_is_made_by_button_or_by_typing_what_it_says() {
    let table = app(|chat: Chat| async move {
        let (key, _) = chat.ask(pick("dish", &["Soup", "Stew"])).await;
        chat.say(t(key));
    });
    let prompt = "> Ada: /go\n< dish? [Soup] [Stew]\n";
    plays(&table, &format!("{prompt}> Ada taps: Stew\n< Stew\n"));
    plays(&table, &format!("{prompt}> Ada: Soup\n< Soup\n"));
    let wrong =
        ["> Ada: Fish", "> Ada sends a photo", "> Ada sends a location 52.5 13.4", "> Ada sends a sticker"];
    for act in wrong {
        plays(&table, &format!("{prompt}{act}\n< Please use the buttons.\n  dish? [Soup] [Stew]\n"));
    }
}

#[test]
fn many_choices_come_in_pages() {
    let keys: Vec<String> = (1..=45).map(|i| format!("Nr {i}")).collect();
    let table = app(move |chat: Chat| {
        let keys = keys.clone();
        async move {
            let choices = keys.into_iter().map(|key| (key.clone(), t(key)));
            chat.say(t(chat.ask(choice("which", t("which?"), choices)).await.0));
        }
    });
    let mut world = plays(&table, "");
    let shown = world.play("> Ada: /go\n").unwrap();
    assert!(shown.contains("[Nr 20] [More ›]") && !shown.contains("Nr 21"), "{shown}");
    goes_on(&mut world, "> Ada taps: More ›\n> Ada taps: Nr 40\n< Nr 40\n");
    let mut world = plays(&table, "");
    world.play("> Ada: /go\n> Ada taps: More ›\n> Ada taps: More ›\n").unwrap();
    goes_on(&mut world, "> Ada taps: ‹ Before\n> Ada taps: Nr 21\n< Nr 21\n");
}

#[test]
fn switches_go_on_and_off_within_their_limits() {
    let table = app(|chat: Chat| async move {
        let keys = ["a", "b", "c"].map(|key| (key.to_owned(), t(key)));
        let on = chat.ask(toggles("which", t("which?"), keys).count(1, 2)).await;
        chat.say(t(on.into_iter().map(|(key, _)| key).collect::<String>()));
    });
    plays(
        &table,
        "\
> Ada: /go
< which? [a] [b] [c] [Done]
> Ada taps: Done
! Please choose at least one.
> Ada: a
< Please use the buttons.
  which? [a] [b] [c] [Done]
> Ada taps: c
> Ada taps: a
> Ada taps: b
! Please choose at most 2.
> Ada taps: ✓ a
> Ada taps: b
> Ada taps: Done
< bc
",
    );
}

#[test]
fn yes_is_true_and_no_is_false() {
    let table = app(|chat: Chat| async move {
        let sure = chat.ask(confirm("sure", t("Sure?"))).await;
        chat.say(t(sure.to_string()));
    });
    plays(&table, "> Ada: /go\n< Sure? [Yes] [No]\n> Ada taps: Yes\n< true\n");
    plays(&table, "> Ada: /go\n< Sure? [Yes] [No]\n> Ada taps: No\n< false\n");
}

#[test]
fn a_person_is_chosen_by_button() {
    let table = app(|chat: Chat| async move {
        let person = |id, name: &str| Person { id, name: name.to_owned(), language: None };
        let chosen = chat.ask(self::person("who", t("Who?"), vec![person(7, "Bo"), person(8, "Bo")])).await;
        chat.say(t(chosen.id.to_string()));
    });
    plays(&table, "> Ada: /go\n< Who? [Bo] [Bo]\n> Ada taps: Bo\n< 7\n");
}

/// What is asked, and for each thing sent what comes back (nothing: it is taken).
#[track_caller]
fn judges(table: &crate::engine::Table, prompt: &str, cases: &[(&str, &str)]) {
    for (act, told) in cases {
        let told = if told.is_empty() { String::new() } else { format!("< {told}\n  {prompt}\n") };
        plays(table, &format!("> Ada: /go\n< {prompt}\n> Ada{act}\n{told}"));
    }
}

#[test]
fn words_have_a_length() {
    let table = app(|chat: Chat| async move { _ = chat.ask(text("note", t("Note?")).length(2, 5)).await });
    let (short, long) = ("Please write at least 2 characters.", "Please keep it to 5 characters.");
    judges(
        &table,
        "Note?",
        &[
            (": ab", ""),
            (":  abcde  ", ""),
            (": äöüßé", ""),
            (": a", short),
            (":    ", short),
            (": abcdef", long),
            (" sends a photo", "Please write it as a message."),
        ],
    );
    let table = app(|chat: Chat| async move { _ = chat.ask(q("note")).await });
    judges(
        &table,
        "note?",
        &[(":    ", "Please write something."), (&format!(": {}", "x".repeat(4096)), "")],
    );
}

#[test]
fn numbers_have_a_range() {
    let table =
        app(|chat: Chat| async move { _ = chat.ask(number("n", t("N?")).range(1.0, 10.0).whole()).await });
    let no = "Please write a number, such as 12 or 1,000.50.";
    judges(
        &table,
        "N?",
        &[
            (": 7", ""),
            (": 10,0", ""),
            (": 0", "Please write a number of at least 1."),
            (": 11", "Please write a number of at most 10."),
            (": 2.5", "Please write a whole number."),
            (": two", no),
            (": NaN", no),
            (": inf", no),
            (" sends a location 1 2", "Please write it as a message."),
        ],
    );
    let table = app(|chat: Chat| async move {
        let n = chat.ask(number("n", t("N?"))).await;
        chat.say(t(n.to_string()));
        chat.ask(q("end")).await;
    });
    let world =
        plays(&table, "> Ada: /go\n< N?\n> Ada: 31.245270191439438\n< 31.245270191439438\n< end? [‹ Back]\n");
    let stored: crate::engine::Head =
        serde_json::from_str(&serde_json::to_string(head(&world)).unwrap()).unwrap();
    assert_eq!(stored, *head(&world), "a stored number is the same number");
}

#[test]
fn days_are_written_in_several_ways() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let table = app(move |chat: Chat| async move {
        let first = day("2026-06-01");
        let chosen = chat.ask(date("day", t("Day?")).between(first, day("2027-06-04"))).await;
        chat.say(t(chosen.to_string()));
    });
    // A rehearsal begins on 5 June 2026.
    let taken = [
        ("2026-08-01", "2026-08-01"),
        ("1.8.2026", "2026-08-01"),
        ("01.08.26", "2026-08-01"),
        ("1.8.", "2026-08-01"),
        ("1.8", "2026-08-01"),
        ("5.6.", "2026-06-05"),
        ("4.6.", "2027-06-04"),
        (" 1.6.2026 ", "2026-06-01"),
    ];
    for (written, meant) in taken {
        plays(&table, &format!("> Ada: /go\n< Day?\n> Ada: {}\n< {meant}\n", written.trim()));
    }
    let no = "Please write a date, such as 2026-08-01 or 1.8.2026.";
    judges(
        &table,
        "Day?",
        &[
            (": 31.5.2026", "Please write a date not before Monday, June 1, 2026."),
            (": 5.6.2027", "Please write a date not after Friday, June 4, 2027."),
            (": tomorrow", no),
            (": 30.2.", no),
            (": 29.2.", no),
            (": .", no),
            (" sends a voice", "Please write it as a message."),
        ],
    );
}

#[test]
fn a_place_is_sent_as_one() {
    let table = app(|chat: Chat| async move {
        let place = chat.ask(location("where", t("Where?"))).await;
        chat.say(t(format!("{} {}", place.latitude, place.longitude)));
    });
    plays(&table, "> Ada: /go\n< Where?\n> Ada sends a location 52.5, 13.4\n< 52.5 13.4\n");
    let hint = "Please send a location: the paper clip, then “Location”.";
    judges(&table, "Where?", &[(": here", hint), (" sends a photo", hint)]);
}

#[test]
fn files_are_of_the_kinds_asked_for() {
    let table = app(|chat: Chat| async move {
        let kinds = [FileKind::Document, FileKind::Photo];
        let files = chat.ask(files("file", t("File?"), &kinds)).await;
        chat.say(t(format!("{:?}", files[0].kind)));
    });
    plays(&table, "> Ada: /go\n< File?\n> Ada sends a document\n< Document\n");
    plays(&table, "> Ada: /go\n< File?\n> Ada sends a photo\n< Photo\n");
    judges(
        &table,
        "File?",
        &[
            (" sends a voice", "Please send a file, or send a photo."),
            (": there is none", "Please send a file, or send a photo."),
        ],
    );
}

#[test]
fn who_sends_something_else_is_told_every_way_to_answer() {
    let table = app(|chat: Chat| async move {
        let words = q("name").or(location("where", t("Where?")));
        _ = chat.ask(words.or(pick("area", &["north"])).or(pick("other", &["south"])).optional()).await;
    });
    let hint = "Please use the buttons, or write it as a message, or send a location.";
    plays(
        &table,
        &format!(
            "> Ada: /go\n< name?\n  Where?\n  area?\n  other? [north] [south] [Skip]\n> Ada sends a photo\n< {hint}\n  name?\n  Where?\n  area?\n  other? [north] [south] [Skip]\n"
        ),
    );
    let table =
        app(|chat: Chat| async move { _ = chat.ask(location("where", t("Where?")).optional()).await });
    judges(&table, "Where? [Skip]", &[(": here", "Please send a location, or skip this.")]);
    let table = app(|chat: Chat| async move {
        _ = futures_util::future::join(chat.ask(q("note")), chat.ask(photos("photos", t("Photos?")))).await;
    });
    // A file is for the question that wants files, even if it is the wrong one.
    plays(&table, "> Ada: /go\n< note?\n< Photos?\n> Ada sends a voice\n< Please send a photo.\n  Photos?\n");
}

#[test]
fn what_is_written_under_a_file_comes_with_it() {
    let table = app(|chat: Chat| async move {
        let photos = chat.ask(photos("photos", t("Photos?"))).await;
        let captions: Vec<_> = photos.into_iter().map(|photo| photo.caption.unwrap_or_default()).collect();
        chat.say(t(format!("[{}]", captions.join("|"))));
        chat.ask(q("end")).await;
    });
    let plays = |act: &str, said: &str| {
        plays(&table, &format!("> Ada: /go\n< Photos?\n> Ada sends {act}\n{said}< end? [‹ Back]\n"));
    };
    plays("a photo: Mud & rain", "< [Mud & rain]\n");
    plays("a photo", "< []\n");
}

#[test]
fn an_album_is_one_answer_however_many_messages_bring_it() {
    let table = app(|chat: Chat| async move {
        let photos = chat.ask(photos("evidence", t("Photos?")).at_most(3).optional()).await;
        chat.say(t("Thanks."));
        let note = chat.ask(q("note")).await;
        chat.say(t(format!("{} photos, {note}", photos.map_or(0, |photos| photos.len()))));
    });
    let begin = "> Ada: /go\n< Photos? [Skip]\n";
    let note = "< Thanks.\n< note? [‹ Back]\n";
    let end = |count| format!("> Ada: x\n< {count} photos, x\n");
    plays(&table, &format!("{begin}> Ada sends a photo\n{note}{}", end(1)));
    plays(&table, &format!("{begin}> Ada sends an album of 3 photos\n{note}{}", end(3)));
    plays(&table, &format!("{begin}> Ada taps: Skip\n{note}{}", end(0)));
    let over = "< That is more than I can take: only the first 3 are kept.\n";
    plays(&table, &format!("{begin}> Ada sends an album of 6 photos\n{note}{over}{}", end(3)));
    // Photos that were sent one by one are none of the album.
    let write = "< Please write it as a message.\n  note? [‹ Back]\n";
    plays(&table, &format!("{begin}> Ada sends a photo\n{note}> Ada sends a photo\n{write}"));
    // Back forgets the whole album, and another one may be sent.
    let again = "> Ada taps: ‹ Back\n< Photos? [Skip]\n> Ada sends an album of 2 photos\n";
    plays(&table, &format!("{begin}> Ada sends an album of 3 photos\n{note}{again}{note}{}", end(2)));
}

#[test]
fn the_rest_of_an_album_for_a_finished_workflow_is_no_riddle() {
    let table = app(|chat: Chat| async move {
        chat.ask(photos("evidence", t("Photos?"))).await;
        chat.say(t("Thanks."));
    });
    let unknown =
        "< I don't know what to do with this. Send /start to begin, or /help to see what I can do.\n";
    plays(
        &table,
        &format!(
            "> Ada: /go\n< Photos?\n> Ada sends an album of 3 photos\n< Thanks.\n> Ada sends a photo\n{unknown}> Ada: hi\n{unknown}"
        ),
    );
}

#[test]
fn a_rejected_answer_leaves_no_keyboard_behind() {
    let table = app(|chat: Chat| async move {
        let (key, _) = chat.ask(pick("dish", &["Soup"])).await;
        chat.say(t(key));
        chat.ask(q("end")).await;
    });
    let mut world =
        plays(&table, "> Ada: /go\n< dish? [Soup]\n> Ada: x\n< Please use the buttons.\n  dish? [Soup]\n");
    goes_on(&mut world, "> Ada taps: Soup\n< Soup\n< end? [‹ Back]\n");
    assert_eq!(keyboards(&world), 1, "only the open question has one");
    assert!(matches!(&head(&world).standing[0].given, Given::Value(key) if key == "Soup"));
}
