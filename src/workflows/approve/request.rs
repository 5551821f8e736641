//! A request for somebody's yes: what it is about, whose wish it is, how long they wait, and how it was decided.

use chrono::TimeDelta;
use serde::Serialize;
use uuid::Uuid;

use crate::{choices, engine::DomainEvent, model::Person};

choices! {
    pub(super) enum Limit: "approve-limit" { Minutes = "10-minutes", Hour = "1-hour", Day = "1-day" }
}

impl Limit {
    /// How long that is.
    pub(super) fn time(self) -> TimeDelta {
        match self {
            Self::Minutes => TimeDelta::minutes(10),
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::days(1),
        }
    }
}

/// What is to be approved.
pub(super) struct Request {
    pub(super) asker: Person,
    pub(super) what: String,
    pub(super) limit: Limit,
}

/// How it was decided.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Approved,
    Declined,
    /// By the passing of the deadline.
    Expired,
}

/// Somebody approved or declined, or let the deadline pass.
#[derive(Serialize)]
pub(super) struct ApprovalDecided {
    approval: Uuid,
    what: String,
    asked_by: Person,
    asked: Person,
    outcome: Outcome,
}

impl DomainEvent for ApprovalDecided {
    const TYPE: &'static str = "backline.approval-decided.v1";
    fn subject(&self) -> String {
        self.approval.to_string()
    }
}

impl Request {
    /// The fact that `asked` decided it, or did not.
    pub(super) fn decided(self, approval: Uuid, asked: Person, outcome: Outcome) -> ApprovalDecided {
        ApprovalDecided { approval, what: self.what, asked_by: self.asker, asked, outcome }
    }
}
