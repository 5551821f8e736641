//! The words everything else is written in: plain data, no I/O.

mod area;
mod clock;
mod event;
mod id;
mod input;
mod message;
mod person;
mod place;
mod shared;
mod text;

pub use area::{Area, Facility, Ground};
pub(crate) use clock::in_one_piece;
pub use clock::{Clock, Timestamp};
pub use event::Event;
pub use id::{BotSlug, ConversationId, EffectId, InputKey, InvalidId, TraceParent, WorkflowId, short_hash};
pub use input::{ChatKind, Content, FileKind, FileRef, Input, KeptFile, Shape, What};
pub use message::{Attachment, Button, Delivery, Edit, Message, Send, Source};
pub use person::{Person, PersonId};
pub use place::{Place, Position};
pub use shared::Shared;
pub use text::{Argument, Text};

/// What need not be written down, for `skip_serializing_if`.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
