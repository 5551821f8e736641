//! A named piece of ground, such as a stage or a camp site, with what stands on it.

use serde::{Deserialize, Serialize};

use super::Place;

/// A place outside every area still counts for the nearest one if it is at most so far from its edge.
const NEAR_M: f64 = 500.0;
/// Whoever is farther from every area than this does not stand among them.
const WALK_M: f64 = 5_000.0;

/// A piece of ground that people know by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Area {
    /// Stable; goes into logs and events.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it is, if anybody has said so.
    #[serde(flatten)]
    pub ground: Option<Ground>,
    /// What stands there, in the order in which it is offered.
    #[serde(default)]
    pub facilities: Vec<Facility>,
}

/// A round piece of ground.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ground {
    /// Its middle: `latitude` and `longitude`.
    #[serde(flatten)]
    pub middle: Place,
    /// How far it reaches around its middle, in metres.
    pub radius_m: f64,
}

/// Something that stands in an area and can break: toilets, showers, a stage's power.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facility {
    /// Stable, and different from those of all other areas.
    pub id: String,
    /// What people call it.
    pub name: String,
}

impl Ground {
    /// Metres from the edge; less than nothing inside.
    fn beyond_edge_m(&self, place: Place) -> f64 {
        self.middle.distance_m(place) - self.radius_m
    }
}

impl Area {
    /// The area that a place belongs to: the nearest of those that contain it, else the one whose edge is nearest if
    /// that is not far. None if the place is somewhere else altogether.
    #[must_use]
    pub fn around(areas: &[Self], place: Place) -> Option<&Self> {
        let nearest = |metres: fn(&Ground, Place) -> f64, at_most_m: f64| {
            let known = areas.iter().filter_map(|area| Some((area, area.ground.as_ref()?)));
            let near = known.filter(|(_, ground)| ground.beyond_edge_m(place) <= at_most_m);
            let nearest = near.min_by(|(_, a), (_, b)| metres(a, place).total_cmp(&metres(b, place)));
            nearest.map(|(area, _)| area)
        };
        let from_middle = |ground: &Ground, place| ground.middle.distance_m(place);
        nearest(from_middle, 0.0).or_else(|| nearest(Ground::beyond_edge_m, NEAR_M))
    }

    /// Puts the nearest first, by their edges, and those that nobody knows the place of last. False, and nothing is
    /// changed, if the place is a walk away from all of them.
    pub fn sort_by_distance(areas: &mut [Self], place: Place) -> bool {
        let away_m = |area: &Self| area.ground.map_or(f64::INFINITY, |ground| ground.beyond_edge_m(place));
        let is_among = areas.iter().any(|area| away_m(area) <= WALK_M);
        if is_among {
            areas.sort_by(|a, b| away_m(a).total_cmp(&away_m(b)));
        }
        is_among
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn area(id: &str, latitude: f64, longitude: f64, radius_m: f64) -> Area {
        let ground = Some(Ground { middle: Place { latitude, longitude }, radius_m });
        Area { id: id.to_owned(), name: id.to_owned(), ground, facilities: Vec::new() }
    }

    fn nowhere(id: &str) -> Area {
        Area { ground: None, ..area(id, 0.0, 0.0, 0.0) }
    }

    fn found(areas: &[Area], latitude: f64, longitude: f64) -> Option<&str> {
        Area::around(areas, Place { latitude, longitude }).map(|area| area.id.as_str())
    }

    #[test]
    fn a_place_belongs_to_the_nearest_area_around_it_or_else_near_it() {
        let field = area("field", 52.4700, 13.4000, 1_000.0);
        let stage = area("stage", 52.4750, 13.4000, 100.0);
        let areas = [nowhere("office"), field, stage];
        assert_eq!(found(&areas, 52.4751, 13.4000), Some("stage"), "inside both, nearer to the stage");
        assert_eq!(found(&areas, 52.4765, 13.4000), Some("field"), "outside the stage, inside the field");
        assert_eq!(found(&areas, 52.4600, 13.4000), Some("field"), "a hundred metres outside");
        assert_eq!(found(&areas, 52.4500, 13.4000), None, "more than a kilometre outside");
        assert_eq!(found(&[], 52.4700, 13.4000), None);
    }

    #[test]
    fn whoever_stands_among_the_areas_sees_the_nearest_first() {
        let here = Place { latitude: 52.4751, longitude: 13.4000 };
        let mut areas =
            vec![nowhere("office"), area("field", 52.46, 13.4, 10.0), area("stage", 52.475, 13.4, 10.0)];
        assert!(Area::sort_by_distance(&mut areas, here));
        assert_eq!(
            areas.iter().map(|area| area.id.as_str()).collect::<Vec<_>>(),
            ["stage", "field", "office"]
        );
        let before = areas.clone();
        assert!(!Area::sort_by_distance(&mut areas, Place { latitude: 48.8566, longitude: 2.3522 }));
        assert_eq!(areas, before, "Paris is no walk away");
    }

    #[test]
    fn an_area_may_have_no_place() {
        let office: Area = serde_json::from_value(json!({ "id": "office", "name": "office" })).unwrap();
        assert_eq!(office, nowhere("office"));
        let placed = json!({ "id": "a", "name": "a", "latitude": 1.0, "longitude": 2.0, "radius_m": 3, "facilities": [] });
        let area: Area = serde_json::from_value(placed.clone()).unwrap();
        assert_eq!(area.ground.map(|ground| ground.radius_m), Some(3.0));
        assert_eq!(serde_json::to_value(&area).unwrap()["latitude"], placed["latitude"]);
    }
}
