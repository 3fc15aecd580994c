//! The authenticated caller of a request. The gateway authenticates; the services decide what a role may do.

use api::common::{Caller, Role};

use crate::failure::{Failure, Kind};

/// The caller of a request that requires authentication.
///
/// # Errors
/// `caller.missing` when the request has no caller.
pub fn require(caller: Option<Caller>) -> Result<Caller, Failure> {
    caller
        .filter(|caller| !caller.account_id.is_empty())
        .ok_or_else(|| {
            Failure::new(
                Kind::Unauthenticated,
                "caller.missing",
                "log in first: this needs a token",
            )
        })
}

/// The caller of a request that requires one of `roles`.
///
/// # Errors
/// `caller.missing`, or `caller.role` when the role is another.
pub fn require_role(caller: Option<Caller>, roles: &[Role]) -> Result<Caller, Failure> {
    let caller = require(caller)?;
    if roles.contains(&caller.role()) {
        return Ok(caller);
    }
    let allowed: Vec<&str> = roles.iter().map(|role| name(*role)).collect();
    Err(Failure::forbidden(
        "caller.role",
        format!("this is for the role {}", allowed.join(" or ")),
    ))
}

/// The name of a role in tokens and JSON.
pub fn name(role: Role) -> &'static str {
    match role {
        Role::Unspecified => "unspecified",
        Role::Customer => "customer",
        Role::Restaurant => "restaurant",
        Role::Admin => "admin",
    }
}

/// The role with this name.
pub fn role(name: &str) -> Option<Role> {
    [Role::Customer, Role::Restaurant, Role::Admin]
        .into_iter()
        .find(|role| self::name(*role) == name)
}
