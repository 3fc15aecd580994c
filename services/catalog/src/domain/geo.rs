//! Distances on the Earth as a sphere (the haversine formula), and the bounding box of a circle.
//!
//! The error of the sphere is at most half a per cent, which does not matter for a delivery radius.

use std::f64::consts::{PI, TAU};

use chassis::Failure;

/// The mean radius of WGS 84's ellipsoid, in metres.
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Added to each side of a box, in degrees: more than the rounding error. About a tenth of a metre.
const MARGIN: f64 = 1e-6;

/// A valid WGS 84 position, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    latitude: f64,
    longitude: f64,
}

/// The bounding box of a circle. Across the antimeridian it has two ranges of longitudes.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundingBox {
    /// The range of latitudes, from south to north.
    pub latitudes: (f64, f64),
    /// The ranges of longitudes, each from west to east. When there is only one, the second repeats it.
    pub longitudes: [(f64, f64); 2],
}

// === impl Position ===

impl Position {
    /// Validates a position.
    ///
    /// # Errors
    /// `catalog.bad_place` when a coordinate is out of range or not a number.
    pub fn parse(latitude: f64, longitude: f64) -> Result<Self, Failure> {
        let bad = |field, most: f64, degrees: f64| {
            Failure::invalid(
                "catalog.bad_place",
                field,
                format!("expected -{most} to {most} degrees, not {degrees}"),
            )
        };
        if !(-90.0..=90.0).contains(&latitude) {
            return Err(bad("place.latitude", 90.0, latitude));
        }
        if !(-180.0..=180.0).contains(&longitude) {
            return Err(bad("place.longitude", 180.0, longitude));
        }
        Ok(Self {
            latitude,
            longitude,
        })
    }

    /// Degrees north.
    pub fn latitude(self) -> f64 {
        self.latitude
    }

    /// Degrees east.
    pub fn longitude(self) -> f64 {
        self.longitude
    }

    /// The great-circle distance to `other`, in metres.
    pub fn distance_m(self, other: Self) -> f64 {
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_latitude = ((other.latitude - self.latitude).to_radians() / 2.0).sin();
        let half_longitude = ((other.longitude - self.longitude).to_radians() / 2.0).sin();
        let haversine = half_latitude.powi(2) + from.cos() * to.cos() * half_longitude.powi(2);
        // Rounding can make it greater than 1 for antipodes.
        2.0 * EARTH_RADIUS_M * haversine.min(1.0).sqrt().asin()
    }

    /// The bounding box of the circle with the radius `radius_m`, in metres.
    pub fn bounding_box(self, radius_m: f64) -> BoundingBox {
        let angle = radius_m / EARTH_RADIUS_M;
        let reach = angle.to_degrees() + MARGIN;
        let (south, north) = (self.latitude - reach, self.latitude + reach);
        let everywhere = (-180.0, 180.0);
        let longitudes = if south <= -90.0 || north >= 90.0 {
            // The circle contains a pole, and so every longitude.
            [everywhere; 2]
        } else {
            let sine = angle.sin() / self.latitude.to_radians().cos();
            // The circle's easternmost and westernmost points are not on the parallel of its centre.
            let reach = if sine >= 1.0 {
                PI.to_degrees()
            } else {
                sine.asin().to_degrees() + MARGIN
            };
            let (west, east) = (self.longitude - reach, self.longitude + reach);
            let turn = TAU.to_degrees();
            if reach >= 180.0 {
                [everywhere; 2]
            } else if west < -180.0 {
                [(west + turn, 180.0), (-180.0, east)]
            } else if east > 180.0 {
                [(west, 180.0), (-180.0, east - turn)]
            } else {
                [(west, east); 2]
            }
        };
        BoundingBox {
            latitudes: (south.max(-90.0), north.min(90.0)),
            longitudes,
        }
    }
}

// === impl BoundingBox ===

impl BoundingBox {
    /// Whether `position` is in the box. The database makes the same test.
    pub fn contains(&self, position: Position) -> bool {
        let within = |(least, most): (f64, f64), degrees: f64| (least..=most).contains(&degrees);
        within(self.latitudes, position.latitude)
            && self
                .longitudes
                .iter()
                .any(|span| within(*span, position.longitude))
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use proptest::prelude::*;

    use super::{EARTH_RADIUS_M, Position};

    fn at(latitude: f64, longitude: f64) -> Position {
        Position::parse(latitude, longitude).expect("in range")
    }

    /// The position at `distance_m` from `start` in the direction `bearing` (radians from north).
    fn destination(start: Position, bearing: f64, distance_m: f64) -> Position {
        let angle = distance_m / EARTH_RADIUS_M;
        let latitude = start.latitude.to_radians();
        let there = (latitude.sin() * angle.cos() + latitude.cos() * angle.sin() * bearing.cos())
            .clamp(-1.0, 1.0)
            .asin();
        let east = (bearing.sin() * angle.sin() * latitude.cos())
            .atan2(angle.cos() - latitude.sin() * there.sin());
        let longitude = (start.longitude + east.to_degrees() + 540.0).rem_euclid(360.0) - 180.0;
        at(there.to_degrees().clamp(-90.0, 90.0), longitude)
    }

    /// Any position, with more at the poles and the antimeridian than a uniform distribution has.
    fn position() -> impl Strategy<Value = Position> {
        let latitude = prop_oneof![
            4 => -90.0..=90.0,
            1 => 89.5..=90.0,
            1 => -90.0..=-89.5,
            1 => Just(90.0),
            1 => Just(0.0),
        ];
        let longitude = prop_oneof![
            4 => -180.0..=180.0,
            2 => 179.8..=180.0,
            2 => -180.0..=-179.8,
            1 => Just(180.0),
            1 => Just(-180.0),
        ];
        (latitude, longitude).prop_map(|(latitude, longitude)| at(latitude, longitude))
    }

    #[test]
    fn known_distances_are_right_within_half_a_per_cent() {
        let seoul = at(37.5665, 126.9780);
        for (there, expected_m) in [
            (at(35.1796, 129.0756), 325_000.0),
            (at(33.4996, 126.5312), 454_000.0),
            (at(37.5796, 126.9770), 1_459.0),
        ] {
            let distance = seoul.distance_m(there);
            assert!(
                (distance - expected_m).abs() < expected_m * 0.005,
                "{distance} is not about {expected_m}"
            );
        }
    }

    #[test]
    fn the_antimeridian_is_no_wall() {
        let distance = at(-17.0, 179.99).distance_m(at(-17.0, -179.99));
        assert!((2_000.0..2_200.0).contains(&distance), "{distance}");
    }

    #[test]
    fn what_is_no_position_is_refused_at_its_field() {
        for (latitude, longitude, field) in [
            (90.1, 0.0, "place.latitude"),
            (f64::NAN, 0.0, "place.latitude"),
            (0.0, -180.1, "place.longitude"),
            (0.0, f64::INFINITY, "place.longitude"),
        ] {
            let failure = Position::parse(latitude, longitude).expect_err("out of range");
            assert_eq!(failure.code, "catalog.bad_place");
            assert_eq!(failure.field.as_deref(), Some(field));
        }
    }

    #[test]
    fn the_box_leaves_out_what_is_far_away() {
        let around_seoul = at(37.5665, 126.9780).bounding_box(30_000.0);
        assert!(around_seoul.contains(at(37.40, 127.10)));
        for far in [at(35.18, 129.08), at(37.5665, 127.40), at(37.0, 126.9780)] {
            assert!(!around_seoul.contains(far), "{far:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn a_distance_is_the_same_both_ways_and_never_more_than_half_round(
            a in position(),
            b in position(),
        ) {
            let distance = a.distance_m(b);
            prop_assert!((distance - b.distance_m(a)).abs() < 1e-3);
            prop_assert!((0.0..=PI * EARTH_RADIUS_M + 1e-3).contains(&distance));
            prop_assert!(a.distance_m(a) < 1e-3);
        }

        #[test]
        fn a_detour_is_never_shorter(a in position(), b in position(), c in position()) {
            prop_assert!(a.distance_m(c) <= a.distance_m(b) + b.distance_m(c) + 1e-2);
        }

        #[test]
        fn who_goes_a_distance_is_that_far_away(
            start in position(),
            bearing in 0.0..(2.0 * PI),
            distance in 0.0..=1_000_000.0_f64,
        ) {
            let measured = start.distance_m(destination(start, bearing, distance));
            prop_assert!((measured - distance).abs() < 0.5, "{measured}");
        }

        #[test]
        fn the_box_never_leaves_out_what_is_within_the_radius(
            centre in position(),
            bearing in 0.0..(2.0 * PI),
            distance in 0.0..=30_000.0_f64,
            slack in prop_oneof![0.0..=10_000.0, Just(0.0)],
        ) {
            let near = destination(centre, bearing, distance);
            // Without slack it is on the circle.
            let around = centre.bounding_box(centre.distance_m(near) + slack);
            prop_assert!(around.contains(near), "{near:?} is not in {around:?}");
        }
    }
}
