//! JSON API, pages, health.
