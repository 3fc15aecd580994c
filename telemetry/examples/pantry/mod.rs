//! The client of the pantry, a gRPC service: what `tonic-build` would generate of its `.proto` file.

#![allow(unreachable_pub)] // A library, taken into each example.

use tonic::body::Body;
use tonic::client::{Grpc, GrpcService};
use tonic::codegen::{Body as HttpBody, Bytes, StdError, http::uri::PathAndQuery};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

/// A client over any channel.
#[derive(Debug, Clone)]
pub struct PantryClient<T> {
    inner: Grpc<T>,
}

impl<T> PantryClient<T>
where
    T: GrpcService<Body>,
    T::Error: Into<StdError>,
    T::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <T::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
{
    /// A client that calls through `channel`.
    pub fn new(channel: T) -> Self {
        Self {
            inner: Grpc::new(channel),
        }
    }

    /// How many portions of a dish are left.
    pub async fn look(&mut self, dish: String) -> Result<u32, Status> {
        let failed = |error: T::Error| Status::unavailable(error.into().to_string());
        self.inner.ready().await.map_err(failed)?;
        let path = PathAndQuery::from_static("/kitchen.v1.Pantry/Look");
        let codec = ProstCodec::<String, u32>::default();
        let response = self.inner.unary(Request::new(dish), path, codec).await?;
        Ok(response.into_inner())
    }
}
