//! Log lines, to standard error.
use std::io::{self, IsTerminal as _};

use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer as _, filter::Targets, layer::SubscriberExt as _, registry::Registry,
};

use crate::config::{LogConfig, LogFormat};

/// Sends what the program logs to standard error, as configured. A second call changes nothing.
pub fn init(config: LogConfig) {
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let layer = match config.format {
        LogFormat::Text => layer.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let all = Registry::default().with(layer.with_filter(filter(config.level)));
    tracing::subscriber::set_global_default(all).ok();
}

/// This program's own lines at `level`; those of libraries only where something is odd.
fn filter(level: Level) -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN.min(LevelFilter::from_level(level)))
        .with_target("driftd", level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_quieter_than_we_are() {
        let verbose = filter(Level::DEBUG);
        assert!(verbose.would_enable("driftd::engine", &Level::DEBUG));
        assert!(!verbose.would_enable("driftd::engine", &Level::TRACE));
        assert!(verbose.would_enable("hyper", &Level::WARN));
        assert!(!verbose.would_enable("hyper", &Level::INFO));
        assert!(!filter(Level::ERROR).would_enable("hyper", &Level::WARN));
    }
}
