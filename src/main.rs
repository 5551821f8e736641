//! Starts Backline as an app of its own.

fn main() -> std::process::ExitCode {
    backline::run(backline::workflows::table())
}
