//! A kitchen: an axum service that asks a tonic service, the pantry.

#[path = "../pantry/mod.rs"]
mod pantry;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::{Router, routing::get};
use pantry::PantryClient;
use tokio::net::TcpListener;
use tonic::transport::Channel;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pantry = std::env::var("PANTRY")?;
    let endpoint = Channel::from_shared(pantry)?;
    let channel = endpoint.connect_lazy();
    let pantry = PantryClient::new(channel);

    let serve = async move |Path(dish): Path<String>| {
        let left = pantry.clone().look(dish.clone()).await;
        let left = left.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        tracing::info!(dish, left, "served");
        Ok::<_, StatusCode>(format!("{dish}, {left} left\n"))
    };
    let app = Router::new().route("/dishes/{dish}", get(serve));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    let stop = async { while tokio::signal::ctrl_c().await.is_err() {} };
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await?;
    Ok(())
}
