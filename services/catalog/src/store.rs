//! The tables of restaurants and menus.

use std::fmt::Write as _;

use chassis::Failure;
use chassis::clock::Millis;
use chassis::database::{Database, Write};
use chassis::money::Money;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use telemetry::db::observe;

use crate::domain::geo::Position;
use crate::domain::menu::{DishKey, MenuItem};
use crate::domain::{DELIVERY_RADIUS_M, EligibleRestaurant, Place, Profile, Restaurant};

/// What identifies a restaurant.
#[derive(Debug, Clone, Copy)]
pub enum RestaurantKey<'a> {
    /// Its id.
    Id(&'a str),
    /// The account of its owner.
    Owner(&'a str),
}

/// Creates the restaurant, or replaces the profile of the one that its owner has. Returns it with its id.
///
/// # Errors
/// When the database fails.
pub async fn put(
    write: &mut Write,
    restaurant: Restaurant,
    now: Millis,
) -> Result<Restaurant, Failure> {
    let profile = &restaurant.profile;
    let row = observe(
        write.operation("INSERT", "restaurants"),
        sqlx::query(
            "INSERT INTO restaurants (id, owner_account_id, name, latitude, longitude, address, \
                 delivery_radius_m, updated_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (owner_account_id) DO UPDATE SET name = excluded.name, \
                 latitude = excluded.latitude, longitude = excluded.longitude, \
                 address = excluded.address, delivery_radius_m = excluded.delivery_radius_m, \
                 updated_at_ms = excluded.updated_at_ms \
             RETURNING id",
        )
        .bind(&restaurant.id)
        .bind(&restaurant.owner_account_id)
        .bind(&profile.name)
        .bind(profile.place.position.latitude())
        .bind(profile.place.position.longitude())
        .bind(&profile.place.address)
        .bind(i64::from(profile.delivery_radius_m))
        .bind(now)
        .fetch_one(write.connection()),
    )
    .await?;
    let id: String = row.try_get("id")?;
    observe(
        write.operation("DELETE", "menu_items"),
        sqlx::query("DELETE FROM menu_items WHERE restaurant_id = $1")
            .bind(&id)
            .execute(write.connection()),
    )
    .await?;
    insert_menu(write, &id, &profile.menu).await?;
    Ok(Restaurant { id, ..restaurant })
}

async fn insert_menu(write: &mut Write, id: &str, menu: &[MenuItem]) -> Result<(), Failure> {
    const COLUMNS: usize = 6;
    let mut statement = String::from(
        "INSERT INTO menu_items (restaurant_id, dish_key, dish, position, price_minor, currency) VALUES ",
    );
    for row in 0..menu.len() {
        statement.push_str(if row == 0 { "(" } else { ", (" });
        push_placeholders(&mut statement, row * COLUMNS + 1, COLUMNS);
        statement.push(')');
    }
    let mut query = sqlx::query(AssertSqlSafe(statement));
    for (position, item) in (0_i64..).zip(menu) {
        query = query
            .bind(id)
            .bind(item.key.as_str())
            .bind(&item.dish)
            .bind(position)
            .bind(item.list_price.minor)
            .bind(&item.list_price.currency);
    }
    observe(
        write.operation("INSERT", "menu_items"),
        query.execute(write.connection()),
    )
    .await?;
    Ok(())
}

/// The restaurant with this key.
///
/// # Errors
/// When the database fails.
pub async fn find(
    database: &Database,
    key: RestaurantKey<'_>,
) -> Result<Option<Restaurant>, Failure> {
    // One statement, so that it never reads a menu that is being replaced.
    const COLUMNS: &str = "SELECT r.id, r.owner_account_id, r.name, r.latitude, r.longitude, \
         r.address, r.delivery_radius_m, m.dish_key, m.dish, m.price_minor, m.currency \
         FROM restaurants r JOIN menu_items m ON m.restaurant_id = r.id";
    let (condition, value) = match key {
        RestaurantKey::Id(id) => ("r.id = $1", id),
        RestaurantKey::Owner(account_id) => ("r.owner_account_id = $1", account_id),
    };
    let statement = format!("{COLUMNS} WHERE {condition} ORDER BY m.position");
    let rows = observe(
        database.operation("SELECT", "restaurants"),
        sqlx::query(AssertSqlSafe(statement))
            .bind(value)
            .fetch_all(database.reads()),
    )
    .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let radius: i64 = first.try_get("delivery_radius_m")?;
    Ok(Some(Restaurant {
        id: first.try_get("id")?,
        owner_account_id: first.try_get("owner_account_id")?,
        profile: Profile {
            name: first.try_get("name")?,
            place: Place {
                position: position(first)?,
                address: first.try_get("address")?,
            },
            delivery_radius_m: u32::try_from(radius).map_err(Failure::internal)?,
            menu: rows.iter().map(menu_item).collect::<Result<_, _>>()?,
        },
    }))
}

/// At most `limit` restaurants that deliver to `place` and have all of `dishes` on their menus, nearest first.
///
/// # Errors
/// When the database fails.
pub async fn eligible(
    database: &Database,
    place: Position,
    dishes: &[DishKey],
    limit: usize,
) -> Result<Vec<EligibleRestaurant>, Failure> {
    let around = place.bounding_box(f64::from(*DELIVERY_RADIUS_M.end()));
    let mut statement = String::from(
        "SELECT r.id, r.owner_account_id, r.name, r.latitude, r.longitude, r.delivery_radius_m \
         FROM restaurants r WHERE r.latitude BETWEEN $1 AND $2 \
         AND (r.longitude BETWEEN $3 AND $4 OR r.longitude BETWEEN $5 AND $6) \
         AND $7 = (SELECT COUNT(*) FROM menu_items m WHERE m.restaurant_id = r.id \
         AND m.dish_key IN (",
    );
    push_placeholders(&mut statement, 8, dishes.len());
    statement.push_str("))");
    let [first, second] = around.longitudes;
    let mut query = sqlx::query(AssertSqlSafe(statement))
        .bind(around.latitudes.0)
        .bind(around.latitudes.1)
        .bind(first.0)
        .bind(first.1)
        .bind(second.0)
        .bind(second.1)
        .bind(i64::try_from(dishes.len()).map_err(Failure::internal)?);
    for dish in dishes {
        query = query.bind(dish.as_str());
    }
    let rows = observe(
        database.operation("SELECT", "restaurants"),
        query.fetch_all(database.reads()),
    )
    .await?;
    let mut found = Vec::new();
    for row in &rows {
        let distance_m = place.distance_m(position(row)?);
        // Integers up to 30 000 are exact in a float.
        #[allow(clippy::cast_precision_loss)]
        let radius_m = row.try_get::<i64, _>("delivery_radius_m")? as f64;
        if distance_m <= radius_m {
            found.push(EligibleRestaurant {
                restaurant_id: row.try_get("id")?,
                owner_account_id: row.try_get("owner_account_id")?,
                name: row.try_get("name")?,
                distance_m,
            });
        }
    }
    found.sort_by(|a, b| {
        a.distance_m
            .total_cmp(&b.distance_m)
            .then_with(|| a.restaurant_id.cmp(&b.restaurant_id))
    });
    found.truncate(limit);
    Ok(found)
}

/// Appends `count` placeholders: `$first, ...`.
fn push_placeholders(statement: &mut String, first: usize, count: usize) {
    for index in first..first + count {
        let comma = if index == first { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(statement, "{comma}${index}");
    }
}

fn position(row: &AnyRow) -> Result<Position, Failure> {
    Position::parse(row.try_get("latitude")?, row.try_get("longitude")?)
        .map_err(|_| Failure::internal("a stored position is out of range"))
}

fn menu_item(row: &AnyRow) -> Result<MenuItem, Failure> {
    Ok(MenuItem {
        dish: row.try_get("dish")?,
        key: DishKey::from_stored(row.try_get("dish_key")?),
        list_price: Money {
            minor: row.try_get("price_minor")?,
            currency: row.try_get("currency")?,
        },
    })
}
