//! {{name}}: what it can do stands in the table; everything else is Backline's.

mod hello;

use backline::{
    engine::{Table, Workflow},
    text,
};

fn main() -> std::process::ExitCode {
    backline::run(table())
}

/// Everything this bot can do and say. A new workflow is a file of its own and a line here.
fn table() -> Table {
    Table::new()
        .workflow(Workflow::new("hello", hello::hello).command("start", text!("hello-title")))
        .words("en", include_str!("../locales/en/hello.ftl"))
}
