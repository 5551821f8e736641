//! The handler's command line and environment.

use super::super::{app::App, dice, settings::Settings};

/// What the process finds in its environment: everything the host knows, and five things more.
pub(super) fn environment(app: &App, port: u16) -> Settings {
    let mut environment = app.settings.clone();
    let id = dice::guid().to_string();
    for (name, value) in [
        ("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string()),
        ("FUNCTIONS_HTTPWORKER_PORT", port.to_string()),
        ("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", id.clone()),
        ("FUNCTIONS_HTTPWORKER_ID", id),
        ("FUNCTIONS_APP_ROOT_PATH", app.root.display().to_string()),
    ] {
        environment.insert(name.to_owned(), value);
    }
    environment
}

/// Splits a command line as .NET does: at blanks outside double quotes; a backslash keeps a quote.
pub(super) fn split(line: &str) -> Vec<String> {
    let (mut arguments, mut current, mut quoted) = (Vec::new(), None::<String>, false);
    let mut letters = line.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '\\' if letters.peek() == Some(&'"') => {
                current.get_or_insert_default().push('"');
                letters.next();
            }
            '"' => {
                quoted = !quoted;
                current.get_or_insert_default();
            }
            c if c.is_whitespace() && !quoted => arguments.extend(current.take()),
            c => current.get_or_insert_default().push(c),
        }
    }
    arguments.extend(current);
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_split_as_dotnet_splits_it() {
        assert_eq!(
            split(r#"handler.js --port 80 a b x "c d" e\"f """#),
            ["handler.js", "--port", "80", "a", "b", "x", "c d", "e\"f", ""]
        );
        assert!(split("  ").is_empty());
    }
}
