//! A named piece of ground, such as a stage or a camp site, with what stands on it.

use serde::{Deserialize, Serialize};

use super::Place;

/// A place outside every area still counts for the nearest one if it is at most so far from its edge.
const NEAR_M: f64 = 500.0;
/// The mean radius of the earth (<https://en.wikipedia.org/wiki/Earth_radius#Arithmetic_mean_radius>).
const EARTH_M: f64 = 6_371_008.8;

/// A round piece of ground that people know by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Area {
    /// Stable; goes into logs and events.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its middle, in degrees (WGS 84).
    pub latitude: f64,
    /// See `latitude`.
    pub longitude: f64,
    /// How far it reaches around its middle, in metres.
    pub radius_m: f64,
    /// What stands there, in the order in which it is offered.
    #[serde(default)]
    pub facilities: Vec<Facility>,
}

/// Something that stands in an area and can break: toilets, showers, a stage's power.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facility {
    /// Stable, and different from those of all other areas.
    pub id: String,
    /// What people call it.
    pub name: String,
}

impl Area {
    /// The area that a place belongs to: the nearest of those that contain it, else the one whose edge is nearest if
    /// that is not far. None if the place is somewhere else altogether.
    #[must_use]
    pub fn around(areas: &[Self], place: Place) -> Option<&Self> {
        let nearest = |metres: fn(&Self, Place) -> f64, at_most_m: f64| {
            let near = areas.iter().filter(|area| area.beyond_edge_m(place) <= at_most_m);
            near.min_by(|a, b| metres(a, place).total_cmp(&metres(b, place)))
        };
        nearest(Self::distance_m, 0.0).or_else(|| nearest(Self::beyond_edge_m, NEAR_M))
    }

    /// Metres from the middle, along a great circle: the haversine formula
    /// (<https://en.wikipedia.org/wiki/Haversine_formula#Formulation>), good to half a percent.
    fn distance_m(&self, place: Place) -> f64 {
        let (here, there) = (self.latitude.to_radians(), place.latitude.to_radians());
        let haversine = |from: f64, to: f64| ((to - from) / 2.0).sin().powi(2);
        let across = haversine(self.longitude.to_radians(), place.longitude.to_radians());
        let all = haversine(here, there) + here.cos() * there.cos() * across;
        2.0 * EARTH_M * all.min(1.0).sqrt().asin()
    }

    /// Metres from the edge; less than nothing inside.
    fn beyond_edge_m(&self, place: Place) -> f64 {
        self.distance_m(place) - self.radius_m
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(id: &str, latitude: f64, longitude: f64, radius_m: f64) -> Area {
        Area { id: id.to_owned(), name: id.to_owned(), latitude, longitude, radius_m, facilities: Vec::new() }
    }

    fn found(areas: &[Area], latitude: f64, longitude: f64) -> Option<&str> {
        Area::around(areas, Place { latitude, longitude }).map(|area| area.id.as_str())
    }

    #[test]
    fn distances_are_those_of_the_atlas() {
        let berlin = area("Berlin", 52.5200, 13.4050, 0.0);
        let paris = Place { latitude: 48.8566, longitude: 2.3522 };
        assert!((berlin.distance_m(paris) - 877_464.0).abs() < 1_000.0, "{}", berlin.distance_m(paris));
        let fiji = area("Fiji", 0.0, 179.9, 0.0);
        let over_the_date_line = fiji.distance_m(Place { latitude: 0.0, longitude: -179.9 });
        assert!((over_the_date_line - 22_239.0).abs() < 10.0, "{over_the_date_line}");
    }

    #[test]
    fn a_place_belongs_to_the_nearest_area_around_it_or_else_near_it() {
        let field = area("field", 52.4700, 13.4000, 1_000.0);
        let stage = area("stage", 52.4750, 13.4000, 100.0);
        let areas = [field, stage];
        assert_eq!(found(&areas, 52.4751, 13.4000), Some("stage"), "inside both, nearer to the stage");
        assert_eq!(found(&areas, 52.4765, 13.4000), Some("field"), "outside the stage, inside the field");
        assert_eq!(found(&areas, 52.4600, 13.4000), Some("field"), "a hundred metres outside");
        assert_eq!(found(&areas, 52.4500, 13.4000), None, "more than a kilometre outside");
        assert_eq!(found(&[], 52.4700, 13.4000), None);
    }
}
