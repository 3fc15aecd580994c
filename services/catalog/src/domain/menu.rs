//! Menus, and the comparison of dishes by name.

use std::collections::BTreeSet;

use ::api::{catalog as wire, common};
use chassis::Failure;
use chassis::money::Money;
use unicode_normalization::UnicodeNormalization as _;

/// The number of dishes on a menu.
const MENU_LENGTH: std::ops::RangeInclusive<usize> = 1..=200;
/// The maximum number of dishes in a search.
const MAX_DISHES_IN_SEARCH: usize = 50;
/// The maximum length of a dish's name, in characters.
const MAX_DISH: usize = 100;

/// The normalised name of a dish: Unicode NFKC, in lower case, with single spaces. So names that differ only in the
/// composition of Hangul are the same dish.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DishKey(String);

/// A dish on a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuItem {
    /// Its name, for people.
    pub dish: String,
    /// Its normalised name.
    pub key: DishKey,
    /// Its price, which is positive.
    pub list_price: Money,
}

// === impl DishKey ===

impl DishKey {
    /// Normalises `name`. Returns `None` when it is empty, too long or has control characters.
    pub fn new(name: &str) -> Option<Self> {
        if name.chars().count() > MAX_DISH || name.chars().any(char::is_control) {
            return None;
        }
        let folded: String = name.nfkc().flat_map(char::to_lowercase).nfkc().collect();
        let key = folded.split_whitespace().collect::<Vec<_>>().join(" ");
        (!key.is_empty()).then_some(Self(key))
    }

    /// A key that was read from the database.
    pub(crate) fn from_stored(key: String) -> Self {
        Self(key)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn key(field: String, name: &str) -> Result<DishKey, Failure> {
    DishKey::new(name).ok_or_else(|| {
        Failure::new(
            chassis::Kind::Invalid,
            "catalog.bad_dish",
            format!("expected 1 to {MAX_DISH} characters, none of them a control character"),
        )
        .at(field)
    })
}

/// Validates the menu in a request.
///
/// # Errors
/// `catalog.menu_length`, `catalog.bad_dish`, `catalog.dish_twice`, or a failure of [`Money::positive`].
pub fn parse(items: Vec<wire::MenuItem>) -> Result<Vec<MenuItem>, Failure> {
    if !MENU_LENGTH.contains(&items.len()) {
        return Err(Failure::invalid(
            "catalog.menu_length",
            "menu",
            format!(
                "expected {} to {} dishes, not {}",
                MENU_LENGTH.start(),
                MENU_LENGTH.end(),
                items.len()
            ),
        ));
    }
    let mut seen = BTreeSet::new();
    let mut menu = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let dish_field = format!("menu[{index}].dish");
        let key = key(dish_field.clone(), &item.dish)?;
        if !seen.insert(key.clone()) {
            return Err(Failure::new(
                chassis::Kind::Invalid,
                "catalog.dish_twice",
                "another dish of the menu has this name already",
            )
            .at(dish_field));
        }
        let list_price = Money::positive("list_price", item.list_price)
            .map_err(|failure| failure.at(format!("menu[{index}].list_price")))?;
        menu.push(MenuItem {
            dish: item.dish.trim().to_owned(),
            key,
            list_price,
        });
    }
    Ok(menu)
}

/// Validates the dishes of a search, and removes duplicates.
///
/// # Errors
/// `catalog.dish_count` or `catalog.bad_dish`.
pub fn searched(dishes: &[common::DishOrder]) -> Result<Vec<DishKey>, Failure> {
    if !(1..=MAX_DISHES_IN_SEARCH).contains(&dishes.len()) {
        return Err(Failure::invalid(
            "catalog.dish_count",
            "dishes",
            format!(
                "expected 1 to {MAX_DISHES_IN_SEARCH} dishes, not {}",
                dishes.len()
            ),
        ));
    }
    let keys = dishes
        .iter()
        .enumerate()
        .map(|(index, order)| key(format!("dishes[{index}].dish"), &order.dish))
        .collect::<Result<BTreeSet<_>, _>>()?;
    Ok(keys.into_iter().collect())
}

impl From<MenuItem> for wire::MenuItem {
    fn from(item: MenuItem) -> Self {
        Self {
            dish: item.dish,
            list_price: Some(item.list_price.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use ::api::catalog as wire;
    use ::api::common::{DishOrder, Money};
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization as _;

    use super::{DishKey, parse, searched};

    fn item(dish: &str, price: i64) -> wire::MenuItem {
        wire::MenuItem {
            dish: dish.to_owned(),
            list_price: Some(Money {
                amount_minor: price,
                currency: "KRW".to_owned(),
            }),
        }
    }

    #[test]
    fn names_that_look_the_same_are_the_same_dish() {
        let decomposed: String = "김치찌개".nfd().collect();
        assert_ne!(decomposed, "김치찌개");
        assert_eq!(DishKey::new(&decomposed), DishKey::new("  김치찌개 "));
        assert_eq!(DishKey::new("BBQ  Chicken"), DishKey::new("ｂｂｑ chicken"));
        assert_ne!(DishKey::new("김치찌개"), DishKey::new("김치 찌개"));
    }

    #[test]
    fn a_menu_has_no_dish_twice() {
        let failure = parse(vec![item("Bibimbap", 9_000), item(" bibimbap ", 8_000)])
            .expect_err("the same name");
        assert_eq!(failure.code, "catalog.dish_twice");
        assert_eq!(failure.field.as_deref(), Some("menu[1].dish"));
    }

    #[test]
    fn a_menu_has_1_to_200_dishes() {
        let menu = |n: u32| parse((0..n).map(|n| item(&format!("dish {n}"), 1_000)).collect());
        assert_eq!(menu(200).expect("the most").len(), 200);
        for n in [0, 201] {
            assert_eq!(menu(n).expect_err("length").code, "catalog.menu_length");
        }
    }

    #[test]
    fn a_price_that_is_not_positive_is_named() {
        let failure = parse(vec![item("a", 1_000), item("b", 0)]).expect_err("nothing is for free");
        assert_eq!(failure.code, "money.out_of_range");
        assert_eq!(failure.field.as_deref(), Some("menu[1].list_price"));
    }

    #[test]
    fn a_search_asks_for_each_dish_once() {
        let order = |dish: &str| DishOrder {
            dish: dish.to_owned(),
            quantity: 1,
        };
        let keys = searched(&[order("Bibimbap"), order("BIBIMBAP"), order("떡볶이")]);
        assert_eq!(keys.expect("valid").len(), 2);
        assert_eq!(searched(&[]).expect_err("none").code, "catalog.dish_count");
        let failure = searched(&[order("떡볶이"), order(" ")]).expect_err("no name");
        assert_eq!(failure.field.as_deref(), Some("dishes[1].dish"));
    }

    proptest! {
        #[test]
        fn decomposing_or_padding_a_name_never_changes_its_key(name in "[가-힣a-zA-Zéü ]{1,30}") {
            let other: String = format!("  {name}\u{3000}").nfd().collect();
            prop_assume!(other.chars().count() <= super::MAX_DISH);
            prop_assert_eq!(DishKey::new(&name), DishKey::new(&other));
        }

        #[test]
        fn no_name_makes_the_key_panic(name in "\\PC{0,120}") {
            let _ = DishKey::new(&name);
        }
    }
}
