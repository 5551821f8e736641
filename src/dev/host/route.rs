//! Route templates as ASP.NET Core reads them: literals, `{id}`, `{id?}`, `{id=5}`, `{id:int}`, `{*rest}`.
//! <https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates>

use anyhow::{Result, bail};

use super::constraint::Constraint;

/// A route template, ready to match paths.
#[derive(Clone, Debug)]
pub(super) struct Route {
    template: String,
    segments: Vec<Vec<Part>>,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    Parameter(Parameter),
}

#[derive(Clone, Debug)]
struct Parameter {
    name: String,
    optional: bool,
    catch_all: bool,
    default: Option<String>,
    constraints: Vec<Constraint>,
}

/// What a path gave the parameters, in the order of the template; none for an optional one that was left out.
pub(super) type Values = Vec<(String, Option<String>)>;

impl Route {
    /// Reads `prefix/route`.
    pub(super) fn parse(template: &str) -> Result<Self> {
        let template = template.trim_matches('/').to_owned();
        let mut segments = Vec::new();
        if !template.is_empty() {
            for text in split_outside_braces(&template) {
                let segment = segment(text)?;
                if segment.is_empty() {
                    bail!("the route `{template}` has an empty segment: remove the double `/`");
                }
                segments.push(segment);
            }
        }
        let route = Self { template, segments };
        route.check()?;
        Ok(route)
    }

    /// The template as text, without a leading slash.
    pub(super) fn template(&self) -> &str {
        &self.template
    }

    fn check(&self) -> Result<()> {
        let mut names: Vec<&str> = Vec::new();
        for (i, segment) in self.segments.iter().enumerate() {
            for part in segment {
                let Part::Parameter(parameter) = part else { continue };
                if names.iter().any(|name| name.eq_ignore_ascii_case(&parameter.name)) {
                    bail!("the route `{}` names `{}` twice", self.template, parameter.name);
                }
                names.push(&parameter.name);
                if parameter.catch_all && i + 1 < self.segments.len() {
                    bail!(
                        "in the route `{}` something follows the catch-all `{}`",
                        self.template,
                        parameter.name
                    );
                }
            }
        }
        Ok(())
    }

    /// Matches a decoded path without its leading slash (`%2F` stays as it is).
    pub(super) fn matches(&self, path: &str) -> Option<Values> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let given: Vec<&str> = if path.is_empty() { Vec::new() } else { path.split('/').collect() };
        if given.iter().any(|segment| segment.is_empty()) {
            return None;
        }
        let mut values = Values::new();
        for (i, segment) in self.segments.iter().enumerate() {
            if let [Part::Parameter(parameter)] = segment.as_slice() {
                let value = if parameter.catch_all {
                    (i < given.len()).then(|| given[i..].join("/"))
                } else {
                    given.get(i).map(|&value| value.to_owned())
                };
                values.push(parameter.bind(value)?);
            } else {
                match_segment(segment, given.get(i)?, &mut values)?;
            }
        }
        let catches_all = matches!(
            self.segments.last().map(Vec::as_slice),
            Some([Part::Parameter(Parameter { catch_all: true, .. })])
        );
        (catches_all || given.len() <= self.segments.len()).then_some(values)
    }
}

impl Parameter {
    /// The value a parameter gets; none if the path does not fit.
    fn bind(&self, given: Option<String>) -> Option<(String, Option<String>)> {
        match given.or_else(|| self.default.clone()) {
            Some(value) if self.constraints.iter().all(|constraint| constraint.allows(&value)) => {
                Some((self.name.clone(), Some(value)))
            }
            None if self.optional || self.catch_all => Some((self.name.clone(), None)),
            _ => None,
        }
    }
}

/// Matches one segment; an optional last parameter may be left out together with the dot before it.
fn match_segment(parts: &[Part], text: &str, values: &mut Values) -> Option<()> {
    if match_parts(parts, text, values).is_some() {
        return Some(());
    }
    match parts {
        [others @ .., Part::Literal(dot), Part::Parameter(last)] if dot == "." && last.optional => {
            match_parts(others, text, values)?;
            values.push((last.name.clone(), None));
            Some(())
        }
        _ => None,
    }
}

/// Matches one segment of several parts (`{name}.{extension?}`), each parameter taking as much as it can.
fn match_parts(parts: &[Part], text: &str, values: &mut Values) -> Option<()> {
    match parts {
        [] => text.is_empty().then_some(()),
        [Part::Literal(literal), rest @ ..] => {
            let start = text.get(..literal.len())?;
            if !start.eq_ignore_ascii_case(literal) {
                return None;
            }
            match_parts(rest, &text[literal.len()..], values)
        }
        [Part::Parameter(parameter), rest @ ..] => {
            let before = values.len();
            let ends = text.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
            for end in ends {
                if let Some(bound) = parameter.bind(Some(text[..end].to_owned())) {
                    values.push(bound);
                    if match_parts(rest, &text[end..], values).is_some() {
                        return Some(());
                    }
                    values.truncate(before);
                }
            }
            None
        }
    }
}

/// Splits at slashes that are not inside braces (a constraint may hold one).
fn split_outside_braces(template: &str) -> Vec<&str> {
    let (mut depth, mut start, mut segments) = (0_usize, 0, Vec::new());
    for (at, c) in template.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '/' if depth == 0 => {
                segments.push(&template[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    segments.push(&template[start..]);
    segments
}

fn segment(text: &str) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some(open) = rest.find('{') else {
            parts.push(Part::Literal(rest.to_owned()));
            break;
        };
        if open > 0 {
            parts.push(Part::Literal(rest[..open].to_owned()));
        }
        let Some(close) = closing(&rest[open..]) else {
            bail!("the route segment `{text}` has no closing brace")
        };
        parts.push(Part::Parameter(parameter(&rest[open + 1..open + close])?));
        rest = &rest[open + close + 1..];
    }
    Ok(parts)
}

fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn parameter(text: &str) -> Result<Parameter> {
    let stars = text.len() - text.trim_start_matches('*').len();
    let text = &text[stars..];
    let name_end = text.find([':', '=', '?']).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(name_end);
    if name.is_empty() {
        bail!("a route parameter without a name: `{{{text}}}`");
    }
    let mut constraints = Vec::new();
    while let Some(after) = rest.strip_prefix(':') {
        let end = constraint_end(after);
        constraints.push(Constraint::parse(&after[..end])?);
        rest = &after[end..];
    }
    let (default, optional) = match rest.strip_prefix('=') {
        Some(default) => (Some(default.to_owned()), false),
        None => (None, rest == "?"),
    };
    Ok(Parameter { name: name.to_owned(), optional, catch_all: stars > 0, default, constraints })
}

/// Where a constraint ends: at the next `:`, `=` or `?` outside its parentheses.
fn constraint_end(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ':' | '=' | '?' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(template: &str, path: &str) -> Option<String> {
        let values = Route::parse(template).unwrap().matches(path)?;
        let shown: Vec<String> = values
            .iter()
            .map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("-")))
            .collect();
        Some(shown.join(" "))
    }

    #[test]
    fn templates_match_what_asp_net_matches() {
        for (template, path, expected) in [
            ("api/h", "API/H", Some("")),
            ("api/h", "api/h/", Some("")),
            ("api/h", "api/h/x", None),
            ("r/{a}/{b?}/x/{*rest}", "r/one two/b%2Fc/x/d/e?f", Some("a=one two b=b%2Fc rest=d/e?f")),
            ("r/{a}/{b?}/x/{*rest}", "r/one/x", None),
            ("r/{a}/{b?}/x/{*rest}", "r/a/b/x//y", None),
            ("r/{a}/{b?}/x/{*rest}", "r/a/b/x", Some("a=a b=b rest=-")),
            ("m/{id:int?}", "m", Some("id=-")),
            ("m/{id:int?}", "m/42", Some("id=42")),
            ("m/{id:int?}", "m/notint", None),
            ("m/{id=5}", "m", Some("id=5")),
            ("m/{id:alpha:length(1,3)}", "m/abc", Some("id=abc")),
            ("m/{id:alpha:length(1,3)}", "m/abcd", None),
            ("f/{name}.{extension?}", "f/a.b.c", Some("name=a.b extension=c")),
            ("f/{name}.{extension?}", "f/a", Some("name=a extension=-")),
            ("v{number:int}-x/y", "V12-x/y", Some("number=12")),
            ("{*path}", "", Some("path=-")),
            ("", "", Some("")),
        ] {
            assert_eq!(matched(template, path).as_deref(), expected, "{template} on {path}");
        }
    }

    #[test]
    fn broken_templates_say_why() {
        for template in ["a//b", "{a}/{A}", "{*rest}/x", "{a", "{:int}", "{a:nope}"] {
            assert!(Route::parse(template).is_err(), "{template}");
        }
    }
}
