//! Enums whose variants can be chosen.

/// Writes an enum whose variants can be chosen, in this order, with `ALL` of them:
///
/// ```
/// backline::choices! {
///     enum Review: "report-review" { Submit = "submit", Edit = "edit" }
/// }
/// use backline::{engine::Choice, text};
/// assert_eq!(Review::ALL, [Review::Submit, Review::Edit]);
/// assert_eq!(Review::Edit.key(), "edit");
/// assert_eq!(Review::Edit.label(), text!("report-review-edit"));
/// ```
/// The keys go into logs and must not change. A label is the message of the prefix and the key.
#[macro_export]
macro_rules! choices {
    ($(#[$about:meta])* $visibility:vis enum $name:ident: $prefix:literal {
        $($(#[$what:meta])* $variant:ident = $key:literal),+ $(,)?
    }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        $visibility enum $name { $($(#[$what])* $variant),+ }

        impl $name {
            /// All of them, in the order in which they are offered.
            $visibility const ALL: [Self; [$($key),+].len()] = [$(Self::$variant),+];
        }

        impl $crate::engine::Choice for $name {
            fn key(&self) -> String {
                match self { $(Self::$variant => $key.to_owned()),+ }
            }
            fn label(&self) -> $crate::Text {
                match self { $(Self::$variant => $crate::Text::message(concat!($prefix, "-", $key))),+ }
            }
        }
    };
}
