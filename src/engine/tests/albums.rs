//! Albums: one answer or one mistake, wherever the question comes from.

use super::{app, goes_on, pick, plays, q, somebody, t};
use crate::{
    engine::{Chat, Question, Table, Workflow, files, photos},
    model::{FileKind, FileRef},
};

fn pictures(name: &str) -> Question<Vec<FileRef>> {
    photos(name, t(format!("{name}?"))).at_most(4)
}

/// Asks Bo for photos, then Ada whether they will do.
async fn proof(chat: Chat) {
    let proof = chat.ask_of(&somebody(1002, "Bo"), pictures("proof")).await.unwrap();
    chat.ask(q("content")).await;
    chat.say(t(format!("{} photos", proof.len())));
}

const BEGIN: &str = "~ Ada is here\n~ Bo is here\n> Ada: /go\n< Bo: proof?\n";

#[test]
fn an_album_for_somebody_elses_workflow_is_one_answer() {
    let table = app(proof);
    let sends = "> Bo sends an album of 3 photos: Here!\n< Ada: content?\n";
    plays(&table, &format!("{BEGIN}{sends}> Ada: yes\n< 3 photos\n"));
    // What is sent after it is nobody's.
    plays(
        &table,
        &format!(
            "{BEGIN}{sends}> Bo sends a photo\n< I don't know what to do with this. Send /start to begin, or /help to see what I can do.\n> Ada: yes\n< 3 photos\n"
        ),
    );
    let many = "> Bo sends an album of 6 photos\n< Ada: content?\n< That is more than I can take: only the first 4 are kept.\n";
    plays(&table, &format!("{BEGIN}{many}> Ada: yes\n< 4 photos\n"));
}

#[test]
fn an_album_disturbs_no_workflow_of_whoever_sends_it() {
    let table = app(proof).workflow(
        Workflow::new("other", async |chat: Chat| {
            let own = chat.ask(pictures("own")).await;
            chat.say(t(format!("{} of my own", own.len())));
        })
        .command("other", t("Other")),
    );
    let begin = format!("{BEGIN}> Bo: /other\n< own?\n");
    plays(
        &table,
        &format!(
            "{begin}> Bo replies to proof with an album of 3 photos\n< Ada: content?\n> Ada: yes\n< 3 photos\n> Bo sends a photo\n< 1 of my own\n"
        ),
    );
}

#[test]
fn the_rest_of_an_album_for_what_has_ended_goes_nowhere() {
    async fn ends(chat: Chat) {
        let proof = chat.ask_of(&somebody(1002, "Bo"), pictures("proof")).await.unwrap();
        chat.say(t(format!("{} photos", proof.len())));
    }
    let other = Workflow::new("other", async |chat: Chat| drop(chat.ask(pictures("own")).await));
    let table = app(ends).workflow(other.command("other", t("Other")));
    plays(
        &table,
        &format!(
            "{BEGIN}> Bo: /other\n< own?\n> Bo replies to proof with an album of 3 photos\n< Ada: 1 photos\n> Bo: x\n< Please send a photo.\n  own?\n"
        ),
    );
}

#[test]
fn an_album_that_is_no_answer_is_one_mistake() {
    let unknown =
        "< I don't know what to do with this. Send /start to begin, or /help to see what I can do.\n";
    let table = app(async |chat: Chat| drop(chat.ask(pick("colour", &["Red", "Blue"])).await));
    let mut world = plays(&table, &format!("> Ada sends an album of 3 photos\n{unknown}"));
    goes_on(
        &mut world,
        &format!("> Ada sends an album of 2 photos\n{unknown}> Ada sends a photo\n{unknown}"),
    );
    let asked = "colour? [Red] [Blue]\n";
    goes_on(
        &mut world,
        &format!(
            "> Ada: /go\n< {asked}> Ada sends an album of 3 photos\n< Please use the buttons.\n  {asked}> Ada taps: Red\n"
        ),
    );
}

#[test]
fn of_a_mixed_album_what_fits_is_the_answer() {
    async fn clips(chat: Chat) {
        let clips = chat.ask(files("clips", t("clips?"), &[FileKind::Video])).await;
        chat.ask(q("content")).await;
        chat.say(t(format!("{} clips", clips.len())));
    }
    let table: Table = app(clips);
    plays(
        &table,
        "> Ada: /go\n< clips?\n> Ada sends an album of 2 photos, 2 videos, 2 photos\n< Please send a video.\n  clips?\n< content? [‹ Back]\n> Ada: yes\n< 2 clips\n",
    );
    plays(
        &table,
        "> Ada: /go\n< clips?\n> Ada sends an album of 1 video, 2 photos\n< content? [‹ Back]\n< This kind of file does not help here.\n> Ada: yes\n< 1 clips\n",
    );
}
