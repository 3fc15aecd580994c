//! An executor for reads outside a transaction.

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{Any, Describe, Either, Error, Execute, Executor, SqlStr};

use super::Database;

/// Runs each query on a connection of the pool, and records the wait for the connection and how long it is used.
#[derive(Debug, Clone, Copy)]
pub struct Reads<'d>(pub(super) &'d Database);

impl<'d> Executor<'d> for Reads<'d> {
    type Database = Any;

    /// Reads all rows before it yields the first, so that a slow consumer does not hold the connection.
    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<AnyQueryResult, AnyRow>, Error>>
    where
        'd: 'e,
        E: 'q + Execute<'q, Any>,
    {
        stream::once(async move {
            let (mut connection, _borrowed) = self.0.acquire().await?;
            let rows: Vec<_> = connection.fetch_many(query).try_collect().await?;
            Ok::<_, Error>(stream::iter(rows.into_iter().map(Ok)))
        })
        .try_flatten()
        .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, Error>>
    where
        'd: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Box::pin(async move {
            let (mut connection, _borrowed) = self.0.acquire().await?;
            connection.fetch_optional(query).await
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, Error>>
    where
        'd: 'e,
    {
        Box::pin(async move {
            let (mut connection, _borrowed) = self.0.acquire().await?;
            connection.prepare_with(sql, parameters).await
        })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Any>, Error>>
    where
        'd: 'e,
    {
        Box::pin(async move {
            let (mut connection, _borrowed) = self.0.acquire().await?;
            connection.describe(sql).await
        })
    }
}
