//! The host's dice: ids of calls, jitter of pauses.

use uuid::Uuid;

/// A new random GUID.
#[expect(clippy::disallowed_methods, reason = "ids of calls are the host's own, no script sees them")]
pub(super) fn guid() -> Uuid {
    Uuid::new_v4()
}

/// A number from `from` to `to`.
pub(super) fn between(from: f64, to: f64) -> f64 {
    let random = guid().as_u64_pair().1 & 0xffff_ffff;
    from + (to - from) * (random as f64 / f64::from(u32::MAX))
}
