//! A point on earth, how far it is from another, and where somebody was seen last.

use chrono::TimeDelta;
use haversine_redux::{Location, Unit};
use serde::{Deserialize, Serialize};

use super::Timestamp;

/// The mean radius of the earth (<https://en.wikipedia.org/wiki/Earth_radius#Arithmetic_mean_radius>).
const EARTH_M: f64 = 6_371_008.8;

/// A place on earth, in degrees (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// −90 to 90.
    pub latitude: f64,
    /// −180 to 180.
    pub longitude: f64,
}

impl Place {
    /// Metres to another place along a great circle, good to half a percent.
    #[must_use]
    pub fn distance_m(self, other: Self) -> f64 {
        let at = |place: Self| Location::new(place.latitude, place.longitude);
        at(self).distance_to(&at(other), Unit::CustomSphere(EARTH_M))
    }
}

/// Where somebody was, by the last location that they sent or that their live location moved to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Where.
    pub place: Place,
    /// When.
    pub at: Timestamp,
}

impl Position {
    /// A position is of use for so long; then the person may be anywhere, and it is forgotten.
    pub const RECENT: TimeDelta = TimeDelta::minutes(30);

    /// May they still be there?
    #[must_use]
    pub fn is_recent(&self, now: Timestamp) -> bool {
        now - self.at < Self::RECENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_atlas() {
        let metres = |one: (f64, f64), other: (f64, f64)| {
            let place = |(latitude, longitude)| Place { latitude, longitude };
            place(one).distance_m(place(other))
        };
        let berlin_to_paris = metres((52.5200, 13.4050), (48.8566, 2.3522));
        assert!((berlin_to_paris - 877_464.0).abs() < 1_000.0, "{berlin_to_paris}");
        let over_the_date_line = metres((0.0, 179.9), (0.0, -179.9));
        assert!((over_the_date_line - 22_239.0).abs() < 10.0, "{over_the_date_line}");
        assert_eq!(metres((52.0, 13.0), (52.0, 13.0)), 0.0);
    }
}
