//! Pages, read-only JSON API and health over HTTP.
//!
//! **Invariant:** nothing is decided or changed here, and nothing waits for a script: pages work
//! without one, and their content policy allows none. What comes from data is escaped where shown.
mod api;
mod connection;
mod guard;
mod json;
mod page;
mod view;

use std::sync::Arc;

use axum::{Router, middleware, routing::get};

pub use connection::serve;
pub use guard::Hosts;
pub use view::{Health, LoopHealth, ModelFacts, Read, RuleFacts, Slice, View, ViewError};

/// What a handler works with.
type Shared = axum::extract::State<Arc<dyn View>>;

/// Every route, behind the guard that checks hosts and limits and adds the security headers.
pub fn router(view: Arc<dyn View>, hosts: Hosts) -> Router {
    Router::new()
        .route("/", get(page::fleet))
        .route("/models/{model}", get(page::model))
        .route("/style.css", get(page::style))
        .route("/api/v1/models", get(api::models))
        .route("/api/v1/models/{model}/windows", get(api::windows))
        .route("/api/v1/models/{model}/measurements", get(api::measurements))
        .route("/api/v1/models/{model}/impact", get(api::impact))
        .route("/api/v1/alerts", get(api::alerts))
        .route("/api/v1/retrainings", get(api::retrainings))
        .route("/livez", get(api::livez))
        .route("/readyz", get(api::readyz))
        .fallback(guard::not_found)
        .method_not_allowed_fallback(guard::method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::new(hosts), guard::guard))
        .with_state(view)
}

#[cfg(test)]
mod tests;
