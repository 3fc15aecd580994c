//! A client that calls with reqwest: `cargo run -p telemetry --example reqwest --features reqwest -- http://127.0.0.1:8080/`.

use reqwest_middleware::ClientBuilder;
use telemetry::http::reqwest::Middleware;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = telemetry::init("caller")?;
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(Middleware::new())
        .build();

    let url = std::env::args().nth(1).ok_or("which URL?")?;
    let response = client.get(url).send().await?;
    println!("{}", response.status());
    println!("{}", response.text().await?);

    telemetry.shutdown().await?;
    Ok(())
}
