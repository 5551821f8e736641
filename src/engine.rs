//! The conversation engine: scripts, the questions they ask, and the replay of what was answered. Pure: no I/O, no
//! clock, no dice, no locks; everything that influences a script stands in its log.

mod album;
mod choices;
mod decide;
mod effect;
mod head;
mod interpret;
mod keep;
mod log;
mod question;
mod reference;
mod rehearse;
mod replay;
mod route;
mod script;
mod table;
#[cfg(test)]
mod tests;
mod turn;

pub use album::Album;
pub use decide::{Decided, Decision, Target, decide, still_current};
pub use effect::{Caused, Effect};
pub(crate) use effect::{prompt_name, read_prompt_name};
pub use head::Head;
pub use keep::{KeepFile, Keeping, LARGEST_FETCHED, Loss};
pub use log::{
    Collecting, Entry, Fact, Given, OpenCall, OpenQuestion, Recorded, Standing, Started, StartedBy, Status,
};
pub use question::{
    Choice, Kind, Offer, Optional, Part, Presence, Question, Required, choice, confirm, date, files,
    location, number, person, photos, text, toggles,
};
pub use reference::{Areas, Languages, People, Whereabouts};
pub use rehearse::{Difference, play, rehearse, rehearse_table};
#[cfg(feature = "tools")]
pub(crate) use rehearse::{name_of_kind, transcript};
pub use replay::{Act, Turn, replay};
pub use route::{Beginning, Outside, Route, route};
pub use script::{Activity, Chat, DomainEvent, Failed, LookUp, Unreachable};
pub use table::{ActivityFailure, Menu, Script, Table, Workflow};
pub use turn::{Refusal, Wanted, put_aside, stuck};
