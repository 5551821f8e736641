//! Backline's own workflows: the only table. A new workflow is one file and one line here.

mod approve;
mod evidence;
mod report;
mod settings;
mod start;

use crate::{
    engine::{Table, Workflow},
    text,
};

/// Backline as an app of its own.
#[must_use]
pub fn table() -> Table {
    Table::new()
        .workflow(Workflow::new("start", start::start).command("start", text!("start-title")))
        .workflow(Workflow::new("report", report::report).command("report", text!("report-title")))
        .workflow(Workflow::new("approve", approve::approve).command("approve", text!("approve-title")))
        .workflow(Workflow::new("evidence", evidence::evidence))
        .workflow(Workflow::new("settings", settings::settings).command("settings", text!("settings-title")))
        .words("en", include_str!("../locales/en/start.ftl"))
        .words("en", include_str!("../locales/en/report.ftl"))
        .words("en", include_str!("../locales/en/approve.ftl"))
        .words("en", include_str!("../locales/en/settings.ftl"))
        .words("de", include_str!("../locales/de/start.ftl"))
        .words("de", include_str!("../locales/de/report.ftl"))
        .words("de", include_str!("../locales/de/approve.ftl"))
        .words("de", include_str!("../locales/de/settings.ftl"))
        .reference("areas", include_str!("workflows/areas.json"))
}
