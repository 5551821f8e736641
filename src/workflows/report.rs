//! Somebody reports an issue: what is wrong, where, and how it looks; then they check it and send it off.

mod issue;

use futures_util::future::Either;

use super::evidence::Evidence;
use crate::{
    Text, choices,
    engine::{Areas, Chat, Whereabouts, choice, location, photos, text},
    model::{Area, FileRef},
    text,
};
use issue::{Issue, IssueKind, reference};

choices! {
    enum Review: "report-review" { Submit = "submit", Edit = "edit", Cancel = "cancel" }
}
choices! {
    enum Field: "report-field" {
        Kind = "kind", Area = "area", Facility = "facility", Photos = "photos", Note = "note",
    }
}

/// `/report`
pub(super) async fn report(chat: Chat) {
    let areas = chat.look_up(Areas).await;
    if areas.is_empty() {
        return chat.say(text!("report-no-areas"));
    }
    let kind = chat.ask(choice("kind", text!("report-kind"), IssueKind::ALL)).await;
    let area = area(&chat, areas).await;
    let facility = if kind.has_facility() && !area.facilities.is_empty() {
        let which = text!("report-facility", area = &area.name);
        Some(chat.ask(choice("facility", which, area.facilities.clone())).await)
    } else {
        None
    };
    let photos = chat.ask(photos("photos", text!("report-photos")).at_most(10).optional()).await;
    let note = note(&chat, photos.as_deref()).await;
    let issue = Issue { kind, area, facility, photos: photos.unwrap_or_default(), note };
    let review = Text::Paragraphs(vec![text!("report-review"), issue.summary(), text!("report-review-next")]);
    match chat.ask(choice("review", review, Review::ALL)).await {
        Review::Submit => {
            let reference = reference(chat.id("issue"));
            chat.say(text!("report-thanks", reference = &reference));
            let evidence =
                Evidence { reference: reference.clone(), files: issue.photos.clone(), sender: chat.who() };
            chat.emit(issue.reported(reference, chat.who()));
            if !evidence.files.is_empty() {
                chat.start("evidence", evidence);
            }
        }
        Review::Edit => {
            let of_this = |field: &Field| *field != Field::Facility || issue.facility.is_some();
            let fields = Field::ALL.into_iter().filter(of_this);
            let field = chat.ask(choice("edit", text!("report-edit"), fields)).await;
            chat.reopen(answers_of(field).iter().chain(&["review", "edit"]).copied()).await;
        }
        Review::Cancel => chat.say(text!("report-cancelled")),
    }
}

/// Where it is: sent as a location, or chosen from the list, which begins with the nearest if it is known where they are.
async fn area(chat: &Chat, mut areas: Vec<Area>) -> Area {
    let seen = chat.look_up(Whereabouts).await;
    let is_sorted = seen.is_some_and(|seen| Area::sort_by_distance(&mut areas, seen.place));
    let list = if is_sorted { text!("report-area-nearest") } else { text!("report-area") };
    let here = location("where", text!("report-where"));
    let listed = choice("area", list, areas.clone());
    let place = match chat.ask(here.or(listed)).await {
        Either::Left(place) => place,
        Either::Right(area) => return area,
    };
    match Area::around(&areas, place) {
        Some(area) => {
            chat.say(text!("report-area-found", area = &area.name));
            area.clone()
        }
        None => chat.ask(choice("area", text!("report-area-not-found"), areas)).await,
    }
}

/// What else is to be known. Photos may speak for themselves, or with the words under them; without any, words must.
async fn note(chat: &Chat, photos: Option<&[FileRef]>) -> Option<String> {
    let note = |ask| text("note", ask).length(3, 1000);
    let Some(photos) = photos else {
        return Some(chat.ask(note(text!("report-note-instead"))).await);
    };
    let captions: Vec<&str> = photos.iter().filter_map(|photo| photo.caption.as_deref()).collect();
    if captions.is_empty() {
        return chat.ask(note(text!("report-note")).optional()).await;
    }
    let caption = captions.join("\n");
    let written = chat.ask(note(text!("report-note-caption", caption = &caption)).optional()).await;
    written.or(Some(caption))
}

/// The answers that are asked anew when somebody wants to change this.
fn answers_of(field: Field) -> &'static [&'static str] {
    match field {
        Field::Kind => &["kind"],
        Field::Area => &["where", "area", "facility"],
        Field::Facility => &["facility"],
        Field::Photos => &["photos"],
        Field::Note => &["note"],
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        engine::{play, rehearse_table},
        workflows::table,
    };

    #[test]
    fn an_issue_is_reported_by_location_or_from_the_list_with_photos_or_without() {
        rehearse_table(&table(), include_str!("report/reported.talk")).unwrap();
        rehearse_table(&table(), include_str!("report/reported.de.talk")).unwrap();
    }

    #[test]
    fn one_answer_is_changed_and_the_others_stay() {
        rehearse_table(&table(), include_str!("report/changed.talk")).unwrap();
    }

    #[test]
    fn a_wrong_turn_costs_one_message() {
        rehearse_table(&table(), include_str!("report/mishaps.talk")).unwrap();
        rehearse_table(&table(), include_str!("report/mishaps.de.talk")).unwrap();
    }

    #[test]
    fn the_nearest_area_goes_first_while_it_is_known_where_they_are() {
        rehearse_table(&table(), include_str!("report/nearest.talk")).unwrap();
        rehearse_table(&table(), include_str!("report/nearest.de.talk")).unwrap();
    }

    #[test]
    fn a_note_has_its_limit() {
        let (before, _) = include_str!("report/reported.talk").split_once("> Ada: The left").unwrap();
        let played = play(&table(), &format!("{before}> Ada: {}\n", "x".repeat(1001))).unwrap();
        assert!(played.contains("< Please keep it to 1,000 characters.\n  What should we know?"), "{played}");
    }

    #[test]
    fn without_areas_nobody_is_led_astray() {
        let played = play(&table().reference("areas", "[]"), "> Ada: /report\n").unwrap();
        assert!(played.contains("< I can't take reports yet"), "{played}");
    }
}
