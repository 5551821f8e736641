//! An issue as it is reported: what it is about, where it is, how it reads, and what the business is told.

use serde::Serialize;
use uuid::Uuid;

use crate::{
    Text, choices,
    engine::{Choice, DomainEvent},
    model::{Area, Facility, FileRef, Person},
    text,
};

choices! {
    pub(super) enum IssueKind: "report-kind" {
        Cleaning = "cleaning", Security = "security", Technical = "technical", Facilities = "facilities",
    }
}

impl IssueKind {
    /// Is it about something in particular that stands there?
    pub(super) fn has_facility(self) -> bool {
        matches!(self, Self::Technical | Self::Facilities)
    }
}

/// Everything that was answered.
pub(super) struct Issue {
    pub(super) kind: IssueKind,
    pub(super) area: Area,
    pub(super) facility: Option<Facility>,
    pub(super) photos: Vec<FileRef>,
    pub(super) note: Option<String>,
}

/// An issue was reported. Its photos lie with Telegram, under handles that the same bot can fetch.
#[derive(Serialize)]
pub(super) struct IssueReported {
    reference: String,
    kind: String,
    area: String,
    facility: Option<String>,
    photos: Vec<FileRef>,
    note: Option<String>,
    reporter: Option<Person>,
}

impl DomainEvent for IssueReported {
    const TYPE: &'static str = "backline.issue-reported.v1";
    fn subject(&self) -> String {
        self.reference.clone()
    }
}

impl Issue {
    /// All of it on a few lines.
    pub(super) fn summary(&self) -> Text {
        let kind = text!("report-summary-kind", kind = self.kind.label());
        let area = &self.area.name;
        let place = match &self.facility {
            Some(facility) => text!("report-summary-facility", area = area, facility = &facility.name),
            None => text!("report-summary-area", area = area),
        };
        let photos =
            (!self.photos.is_empty()).then(|| text!("report-summary-photos", count = self.photos.len()));
        let note = self.note.as_ref().map(|note| text!("report-summary-note", note = note));
        Text::Lines { lines: [kind, place].into_iter().chain(photos).chain(note).collect() }
    }

    /// The fact that it was reported.
    pub(super) fn reported(self, reference: String, reporter: Option<Person>) -> IssueReported {
        let Self { kind, area, facility, photos, note } = self;
        let facility = facility.map(|facility| facility.id);
        IssueReported { reference, kind: kind.key(), area: area.id, facility, photos, note, reporter }
    }
}

/// `R-` and six characters that nobody confuses when reading them aloud (Crockford's 32,
/// <https://www.crockford.com/base32.html>). Among a thousand issues any two are the same in one case of two thousand.
pub(super) fn reference(issue: Uuid) -> String {
    const CLEAR: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let (number, ..) = issue.as_fields();
    let clear = |place: u32| char::from(CLEAR[(number >> (5 * place)) as usize % CLEAR.len()]);
    format!("R-{}", (0..6).map(clear).collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_thousand_issues_have_a_thousand_references() {
        let issue = |n: u32| Uuid::new_v5(&Uuid::NAMESPACE_OID, &n.to_be_bytes());
        let references: BTreeSet<String> = (0..1000).map(|n| reference(issue(n))).collect();
        assert_eq!(references.len(), 1000);
        assert!(references.iter().all(|one| one.len() == 8 && !one.contains(['I', 'L', 'O', 'U'])));
    }
}
