//! Every sentence that people read stands in a locale file: in each language, with the same variables, and in use.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use backline::{engine::Table, locale::Locales, workflows};
use fluent_syntax::{
    ast::{Entry, Expression, InlineExpression, Pattern, PatternElement, Resource},
    parser,
};

use crate::house::{files, root};

type Names = BTreeSet<String>;

/// The messages of a language with their variables.
fn messages(language: &str) -> BTreeMap<String, Names> {
    let mut messages = BTreeMap::new();
    for file in files(&root().join("locales").join(language), ".ftl") {
        let source = fs::read_to_string(&file).unwrap();
        let Resource { body } = parser::parse(source.as_str()).unwrap();
        for entry in body {
            let message = match entry {
                Entry::Message(message) => message,
                Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => continue,
                other => panic!("{}: only messages are used, not {other:?}", file.display()),
            };
            let mut variables = Names::new();
            of_pattern(&message.value.expect("a message has a value"), &mut variables);
            assert!(message.attributes.is_empty(), "nobody reads the attributes of `{}`", message.id.name);
            let before = messages.insert(message.id.name.to_owned(), variables);
            assert!(before.is_none(), "{}: `{}` stands there twice", file.display(), message.id.name);
        }
    }
    messages
}

fn of_pattern(pattern: &Pattern<&str>, variables: &mut Names) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            of_expression(expression, variables);
        }
    }
}

fn of_expression(expression: &Expression<&str>, variables: &mut Names) {
    match expression {
        Expression::Inline(inline) => of_inline(inline, variables),
        Expression::Select { selector, variants } => {
            of_inline(selector, variables);
            variants.iter().for_each(|variant| of_pattern(&variant.value, variables));
        }
    }
}

fn of_inline(inline: &InlineExpression<&str>, variables: &mut Names) {
    match inline {
        InlineExpression::VariableReference { id } => drop(variables.insert(id.name.to_owned())),
        InlineExpression::Placeable { expression } => of_expression(expression, variables),
        InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
        other => panic!("the checks know nothing of {other:?}: teach them, or do without"),
    }
}

/// The program without its tests and comments.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn program() -> Vec<(PathBuf, String)> {
    let all = files(&root().join("src"), ".rs").into_iter();
    let is_product = |file: &PathBuf| {
        let path = file.to_string_lossy();
        !path.contains("/tests") && !path.contains("/command/new/")
    };
    all.filter(is_product).map(|file| (file.clone(), code(&file))).collect()
}

/// What stands between the bracket that `text` begins behind and its partner.
fn inside(text: &str) -> &str {
    let (mut depth, mut quoted, mut before) = (0, false, ' ');
    for (place, letter) in text.char_indices() {
        match letter {
            '"' if before != '\\' => quoted = !quoted,
            '(' | '{' | '[' if !quoted => depth += 1,
            ')' | '}' | ']' if !quoted && depth == 0 => return &text[..place],
            ')' | '}' | ']' if !quoted => depth -= 1,
            _ => {}
        }
        before = letter;
    }
    panic!("no end: {}", text.chars().take(80).collect::<String>());
}

/// The parts of a list, whose own brackets may hold commas.
fn parts(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut quoted, mut from) = (Vec::new(), 0, false, 0);
    for (place, letter) in list.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '(' | '{' | '[' if !quoted => depth += 1,
            ')' | '}' | ']' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(&list[from..place]);
                from = place + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[from..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn literal(text: &str) -> &str {
    text.trim().trim_matches('"')
}

/// Every use of a message, with the variables it is given.
fn uses() -> Vec<(PathBuf, String, Names)> {
    let mut uses = Vec::new();
    for (file, code) in program() {
        for after in code.replace("as_text!(", "").split("text!(").skip(1) {
            let list = parts(inside(after));
            if list[0].starts_with('$') {
                continue;
            }
            let given =
                list[1..].iter().map(|part| part.split('=').next().unwrap().trim().to_owned()).collect();
            uses.push((file.clone(), literal(list[0]).to_owned(), given));
        }
        for after in code.split("choices! {").skip(1) {
            let choices = inside(after);
            let Some((head, body)) = choices.split_once('{') else { continue };
            let prefix = literal(head.rsplit(':').next().unwrap());
            for choice in parts(inside(body)) {
                let key = literal(choice.split('=').next_back().unwrap());
                uses.push((file.clone(), format!("{prefix}-{key}"), Names::new()));
            }
        }
    }
    // Those that the locale storey itself asks for.
    for (id, given) in [("language-name", &[][..]), ("date", &["day", "month", "weekday", "year"])] {
        let given = given.iter().map(|name| (*name).to_owned()).collect();
        uses.push((root().join("src/locale.rs"), id.to_owned(), given));
    }
    uses
}

#[test]
fn every_message_that_is_used_is_there_with_the_variables_it_is_given() {
    let english = messages("en");
    let uses = uses();
    assert!(uses.len() > 100, "the uses are found: {}", uses.len());
    for (file, id, given) in uses {
        let wanted = english.get(&id).unwrap_or_else(|| panic!("{}: no message `{id}`", file.display()));
        assert_eq!(*wanted, given, "{}: the variables of `{id}` and what it is given", file.display());
    }
}

#[test]
fn every_message_is_used() {
    let used: Names = uses().into_iter().map(|(_, id, _)| id).collect();
    let unused: Vec<_> = messages("en").into_keys().filter(|id| !used.contains(id)).collect();
    assert_eq!(unused, Vec::<String>::new(), "nobody says these");
}

#[test]
fn every_language_is_complete_and_uses_the_same_variables() {
    let english = messages("en");
    let folders = fs::read_dir(root().join("locales")).unwrap();
    let languages: Names =
        folders.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert!(languages.contains("de"));
    for language in languages {
        let messages = messages(&language);
        let missing: Vec<_> = english.keys().filter(|id| !messages.contains_key(*id)).collect();
        let unknown: Vec<_> = messages.keys().filter(|id| !english.contains_key(*id)).collect();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "{language}: missing {missing:?}, unknown {unknown:?}"
        );
        for (id, variables) in messages {
            assert_eq!(variables, english[&id], "{language}: the variables of `{id}`");
        }
    }
}

#[test]
fn every_file_of_every_language_is_built_in() {
    let program: String = program().into_iter().map(|(_, code)| code).collect();
    for file in files(&root().join("locales"), ".ftl") {
        let path = file.strip_prefix(root().join("locales")).unwrap().display().to_string();
        assert!(program.contains(&format!("../locales/{path}\"")), "`{path}` is in nobody's table");
    }
    let spoken: Vec<_> = workflows::table().locales().languages().into_iter().map(|of| of.tag).collect();
    assert_eq!(spoken, ["de", "en"]);
}

#[test]
fn nothing_that_people_read_stands_in_the_program() {
    for (file, code) in program() {
        let code = code.replace("Text::literal(\"\")", "");
        let found = code.contains("Text::literal(\"") || code.contains("Text::literal(format!");
        assert!(!found, "{}: words for people belong into a locale file", file.display());
    }
}

#[test]
fn the_menus_are_those_of_the_languages() {
    let table = workflows::table();
    let menus = table.menus();
    let languages: Vec<_> = menus.iter().map(|menu| menu.language.as_deref()).collect();
    assert_eq!(languages, [None, Some("de"), Some("en")]);
    assert_eq!(menus[0].commands, menus[2].commands, "who speaks nothing of ours reads English");
    let commands = |menu: usize| menus[menu].commands.iter().map(|(command, _)| command.as_str());
    assert!(commands(1).eq(commands(0)));
    assert!(["start", "settings", "cancel", "help"].iter().all(|wanted| commands(1).any(|of| of == *wanted)));
    for menu in &menus {
        for (command, title) in &menu.commands {
            // <https://core.telegram.org/bots/api#botcommand>
            let fits = command.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            assert!(fits && (1..=32).contains(&command.len()), "{command}");
            assert!((1..=256).contains(&title.chars().count()) && !title.contains('-'), "{command}: {title}");
        }
    }
    let title = |menu: usize| &menus[menu].commands[0].1;
    assert_ne!(title(0), title(1));
    // A team's own language without a region has a menu; a dialect reads that of its base.
    let own =
        Table::new().words("pt", "language-name = Português").words("pt-BR", "language-name = Brasileiro");
    let languages: Vec<_> = own.menus().into_iter().filter_map(|menu| menu.language).collect();
    assert_eq!(languages, ["de", "en", "pt"]);
}

/// An app that brings no words of its own speaks the engine's in both languages.
#[test]
fn the_engine_speaks_every_language_by_itself() {
    let own = Locales::default();
    let tags: Vec<_> = own.languages().into_iter().map(|of| of.tag).collect();
    assert_eq!(tags, ["de", "en"]);
    assert_eq!(
        own.plain(&backline::text!("too-long", count = 4096_i64), Some("de")),
        "Bitte schreib höchstens 4.096 Zeichen."
    );
}
