//! Inline route constraints: `int`, `guid`, `length(1,9)`, …
//! <https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-constraints>

use anyhow::{Context, Result, bail};

/// What a route parameter's value must be.
#[derive(Clone, Debug)]
pub(super) enum Constraint {
    Int,
    Long,
    Bool,
    Number,
    DateTime,
    Guid,
    Alpha,
    Required,
    /// So many characters, at least and at most.
    Length(usize, usize),
    /// A whole number, at least and at most.
    Range(i64, i64),
}

impl Constraint {
    /// Reads `name` or `name(argument,…)`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (name, arguments) = match text.split_once('(') {
            Some((name, rest)) => (name, rest.strip_suffix(')').context("a constraint without `)`")?),
            None => (text, ""),
        };
        let mut numbers = arguments.split(',').map(|number| number.trim().parse::<i64>());
        let mut number = || numbers.next().and_then(Result::ok);
        let size = |number: Option<i64>| number.and_then(|n| usize::try_from(n).ok());
        let missing = || format!("the route constraint `{text}` lacks a number");
        Ok(match name.to_ascii_lowercase().as_str() {
            "int" => Self::Int,
            "long" => Self::Long,
            "bool" => Self::Bool,
            "decimal" | "double" | "float" => Self::Number,
            "datetime" => Self::DateTime,
            "guid" => Self::Guid,
            "alpha" => Self::Alpha,
            "required" => Self::Required,
            "minlength" => Self::Length(size(number()).with_context(missing)?, usize::MAX),
            "maxlength" => Self::Length(0, size(number()).with_context(missing)?),
            "length" => {
                let least = size(number()).with_context(missing)?;
                Self::Length(least, size(number()).unwrap_or(least))
            }
            "min" => Self::Range(number().with_context(missing)?, i64::MAX),
            "max" => Self::Range(i64::MIN, number().with_context(missing)?),
            "range" => Self::Range(number().with_context(missing)?, number().with_context(missing)?),
            _ => {
                bail!("the route constraint `{text}` is not known here: use another, or check in the handler")
            }
        })
    }

    /// Does this value fit?
    pub(super) fn allows(&self, value: &str) -> bool {
        let length = value.encode_utf16().count();
        match self {
            Self::Int => value.parse::<i32>().is_ok(),
            Self::Long => value.parse::<i64>().is_ok(),
            Self::Bool => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
            Self::Number => value.parse::<f64>().is_ok_and(f64::is_finite),
            Self::DateTime => is_date(value),
            Self::Guid => uuid::Uuid::parse_str(value).is_ok(),
            Self::Alpha => value.bytes().all(|b| b.is_ascii_alphabetic()),
            Self::Required => !value.is_empty(),
            Self::Length(least, most) => (*least..=*most).contains(&length),
            Self::Range(least, most) => value.parse::<i64>().is_ok_and(|n| (*least..=*most).contains(&n)),
        }
    }
}

fn is_date(value: &str) -> bool {
    use chrono::{DateTime, NaiveDate, NaiveDateTime};
    DateTime::parse_from_rfc3339(value).is_ok()
        || NaiveDate::parse_from_str(value, "%Y-%m-%d").is_ok()
        || ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
            .iter()
            .any(|format| NaiveDateTime::parse_from_str(value, format).is_ok())
}
