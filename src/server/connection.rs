//! Connections: how many, how large their heads, how long they may take, how they end.
use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Most connections at a time; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 256;
/// Largest head of a request.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Longest that a client may take to send its head, or stay silent between requests.
const HEAD_WAIT_MAX: Duration = Duration::from_secs(10);
/// Longest that a connection may be kept, so that slow readers can't hold all of them.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(300);
/// How long answers that are under way may still take after shutdown was asked for.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// Serves until `shutdown` is cancelled, then lets what is under way finish, for five seconds.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = TaskTracker::new();
    loop {
        let accepted = async {
            let seat = Arc::clone(&room).acquire_owned().await.ok()?;
            Some((seat, listener.accept().await))
        };
        let (seat, accepted) = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accepted => match accepted {
                Some(accepted) => accepted,
                None => break,
            },
        };
        match accepted {
            Ok((stream, _)) => {
                let (router, shutdown) = (router.clone(), shutdown.clone());
                connections.spawn(async move {
                    one(stream, router, shutdown).await;
                    drop(seat);
                });
            }
            Err(error) => {
                // Out of file descriptors, mostly: some will be free again.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    connections.close();
    if tokio::time::timeout(FAREWELL_MAX, connections.wait()).await.is_err() {
        tracing::warn!("answers still under way at shutdown were cut off");
    }
}

async fn one(stream: tokio::net::TcpStream, router: Router, shutdown: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let aged = tokio::time::sleep(CONNECTION_AGE_MAX);
    let result = tokio::select! {
        result = &mut connection => result,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = aged => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(FAREWELL_MAX, connection).await {
                Ok(result) => result,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}
