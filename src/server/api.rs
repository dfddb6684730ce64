//! The JSON API, version 1, and health. It only reads.
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Shared,
    guard::refusal,
    json::{AlertJson, MeasurementJson, RetrainingJson, WindowJson, state_of},
    view::{ModelFacts, Slice, View, ViewError},
};
use crate::{
    monitor::{impact::WindowRanking, segment},
    time::{Interval, Timestamp},
};

/// Rows of an answer where the request does not say.
const ROWS_DEFAULT: usize = 1000;
/// Most rows of an answer, and most that are looked through for one.
pub(super) const ROWS_MAX: usize = 10_000;
/// Most measurements of an answer, the newest.
const MEASUREMENTS_MAX: usize = 50_000;

/// An error under `/api/`.
pub(super) struct ApiError(StatusCode, String);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        refusal("/api/", self.0, &self.1)
    }
}

impl From<ViewError> for ApiError {
    fn from(error: ViewError) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(error: QueryRejection) -> Self {
        Self(StatusCode::BAD_REQUEST, error.body_text())
    }
}

type Answer = Result<Json<Value>, ApiError>;

/// Which rows are asked for. A key that is not known is refused, not left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    from: Option<String>,
    to: Option<String>,
    metric: Option<String>,
    column: Option<String>,
    version: Option<String>,
    segment: Option<String>,
    limit: Option<usize>,
}

/// Which alerts or retrainings are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AskedEvents {
    model: Option<String>,
    state: Option<String>,
    limit: Option<usize>,
}

fn limit(asked: Option<usize>) -> Result<usize, ApiError> {
    match asked {
        None => Ok(ROWS_DEFAULT),
        Some(limit) if (1..=ROWS_MAX).contains(&limit) => Ok(limit),
        Some(limit) => {
            let why = format!("`limit` must be from 1 to {ROWS_MAX}, got {limit}");
            Err(ApiError(StatusCode::BAD_REQUEST, why))
        }
    }
}

impl Asked {
    fn slice(&self) -> Result<Slice, ApiError> {
        let time = |name: &str, text: &Option<String>, missing| match text {
            None => Ok(missing),
            Some(text) => text
                .parse::<Timestamp>()
                .map_err(|error| ApiError(StatusCode::BAD_REQUEST, format!("`{name}`: {error}"))),
        };
        let start = time("from", &self.from, Timestamp::MIN)?;
        let end = time("to", &self.to, Timestamp::MAX)?;
        if start >= end {
            let why = format!("`from` must be before `to`, got {start} and {end}");
            return Err(ApiError(StatusCode::BAD_REQUEST, why));
        }
        let within = (self.from.is_some() || self.to.is_some()).then_some(Interval { start, end });
        // Without the parameter it is the whole, with `any` each segment.
        let segment = match self.segment.as_deref() {
            None => Some(String::new()),
            Some("any") => None,
            Some(name) => Some(segment::canonical(name).unwrap_or_else(|| name.to_owned())),
        };
        Ok(Slice { within, version: self.version.clone(), segment, limit: limit(self.limit)? })
    }
}

fn known(view: &dyn View, model: &str) -> Result<ModelFacts, ApiError> {
    let models = view.models();
    models
        .into_iter()
        .find(|m| m.name == model)
        .ok_or_else(|| ApiError(StatusCode::NOT_FOUND, format!("there is no model `{model}`")))
}

/// `GET /api/v1/models`
pub(super) async fn models(State(view): Shared) -> Answer {
    let mut models = Vec::new();
    let episodes = view.episodes(None, ROWS_MAX).await?;
    for facts in view.models() {
        let last = view.windows(&facts.name, &Slice::newest(1)).await?;
        let count = |state: &str| {
            let mine = episodes.iter().filter(|e| e.model == facts.name);
            mine.filter(|e| state_of(e) == state).count()
        };
        models.push(json!({
            "model": facts.name, "task": facts.task, "window": facts.window,
            "last_window": last.last().map(WindowJson::from),
            "alerts_firing": count("firing") + count("recovering"),
            "alerts_pending": count("pending"),
            "rules": facts.rules.iter().map(|r| &r.name).collect::<Vec<_>>(),
        }));
    }
    Ok(Json(json!({ "models": models })))
}

/// `GET /api/v1/models/{model}/windows?from&to&version&segment&limit`
pub(super) async fn windows(
    State(view): Shared,
    Path(model): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Answer {
    let Query(asked) = asked?;
    known(&*view, &model)?;
    let slice = asked.slice()?;
    let mut rows = view.windows(&model, &slice).await?;
    let truncated = rows.len() >= slice.limit;
    if slice.segment.is_none() {
        rows.retain(|row| !row.segment.is_empty());
    }
    Ok(Json(json!({
        "windows": rows.iter().map(WindowJson::from).collect::<Vec<_>>(),
        "truncated": truncated,
    })))
}

/// `GET /api/v1/models/{model}/measurements?from&to&metric&column&version&segment&limit`
///
/// `limit` counts windows, each of which has many measurements.
pub(super) async fn measurements(
    State(view): Shared,
    Path(model): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Answer {
    let Query(asked) = asked?;
    known(&*view, &model)?;
    let slice = asked.slice()?;
    let rows = view.measurements(&model, &slice).await?;
    let wanted = |asked: &Option<String>, have: Option<&str>| match asked {
        None => true,
        Some(asked) => have == Some(asked),
    };
    let mut found: Vec<_> = rows
        .iter()
        .rev()
        .filter(|row| slice.segment.is_some() || !row.segment.is_empty())
        .flat_map(|row| row.measurements.iter().rev().map(move |m| (row, m)))
        .filter(|(_, m)| wanted(&asked.metric, Some(&m.metric)))
        .filter(|(_, m)| wanted(&asked.column, m.column.as_deref()))
        .map(|(row, m)| MeasurementJson::new(row, m))
        .take(MEASUREMENTS_MAX)
        .collect();
    found.reverse();
    let truncated = rows.len() >= slice.limit || found.len() >= MEASUREMENTS_MAX;
    Ok(Json(json!({ "measurements": found, "truncated": truncated })))
}

/// `GET /api/v1/models/{model}/impact`
pub(super) async fn impact(State(view): Shared, Path(model): Path<String>) -> Answer {
    known(&*view, &model)?;
    let found = view.ranking(&model).await?;
    Ok(Json(match found {
        Some(WindowRanking { window, ranking }) => json!({
            "window_start": window.start, "window_end": window.end,
            "importances": ranking.importances, "score": ranking.score,
            "unexplained": ranking.unexplained, "columns": ranking.columns,
        }),
        None => json!({
            "window_start": null, "window_end": null, "importances": null, "score": null,
            "unexplained": null, "columns": [],
        }),
    }))
}

/// `GET /api/v1/alerts?model&state&limit`
pub(super) async fn alerts(
    State(view): Shared,
    asked: Result<Query<AskedEvents>, QueryRejection>,
) -> Answer {
    let Query(asked) = asked?;
    let limit = limit(asked.limit)?;
    let episodes = view.episodes(asked.model.as_deref(), ROWS_MAX).await?;
    let wanted = |state: &str| asked.state.as_deref().is_none_or(|asked| asked == state);
    let all: Vec<_> =
        episodes.iter().filter(|e| wanted(state_of(e))).map(AlertJson::from).collect();
    let newest = newest(&all, limit);
    Ok(Json(json!({ "alerts": newest, "truncated": newest.len() < all.len() })))
}

/// `GET /api/v1/retrainings?model&state&limit`
pub(super) async fn retrainings(
    State(view): Shared,
    asked: Result<Query<AskedEvents>, QueryRejection>,
) -> Answer {
    let Query(asked) = asked?;
    let limit = limit(asked.limit)?;
    let rows = view.retrainings(asked.model.as_deref(), ROWS_MAX).await?;
    let wanted = |state: &str| asked.state.as_deref().is_none_or(|asked| asked == state);
    let all: Vec<_> =
        rows.iter().filter(|r| wanted(r.state.name())).map(RetrainingJson::from).collect();
    let newest = newest(&all, limit);
    Ok(Json(json!({ "retrainings": newest, "truncated": newest.len() < all.len() })))
}

/// Filtered first and cut then, so that an old alert that still fires is not left out.
fn newest<T>(all: &[T], limit: usize) -> &[T] {
    &all[all.len().saturating_sub(limit)..]
}

/// `GET /livez`: 503 where a loop is stuck, so that whoever runs the daemon starts it again.
pub(super) async fn livez(State(view): Shared) -> Response {
    health(view.health().stuck())
}

/// `GET /readyz`: 503 where nothing has run yet, a loop is stuck or the store does not answer.
pub(super) async fn readyz(State(view): Shared) -> Response {
    let health_now = view.health();
    let mut reasons = health_now.stuck();
    if health_now.loops.is_empty() {
        reasons.push("no loop has gone round yet".to_owned());
    }
    if let Err(error) = view.store().await {
        reasons.push(error.to_string());
    }
    health(reasons)
}

fn health(reasons: Vec<String>) -> Response {
    if reasons.is_empty() {
        return (StatusCode::OK, "ok\n").into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n").into_response()
}
