//! Which statistics `driftd compare` was asked for.
use std::collections::BTreeSet;

use anyhow::bail;

use super::{
    Args,
    chunks::{Chunking, Length},
};
use crate::{
    cli::known,
    monitor::{compat::Tool, multivariate},
    stat,
};

/// What was asked for.
pub(super) struct Chosen {
    /// Statistics of single columns; `None`: the defaults.
    pub(super) metrics: Option<Vec<&'static str>>,
    /// Those of all columns together and of vectors.
    pub(super) joint: Vec<&'static str>,
}

/// The chosen statistics; with a tool those that it has, by its names too.
pub(super) fn chosen(args: &Args) -> anyhow::Result<Chosen> {
    let (mut metrics, mut joint) = (Vec::new(), Vec::new());
    for name in &args.metrics {
        match args.tool {
            Some(tool) => {
                known(&format!("metric of {tool}"), name, tool.metric_names())?;
                metrics.extend(tool.metric(name));
            }
            None => {
                known("statistic", name, stat::names().chain(multivariate::names()))?;
                if stat::find(name).is_some_and(|statistic| statistic.kinds().is_empty()) {
                    bail!(
                        "`{name}` is measured on a window as a whole, not on columns that are \
                         compared"
                    );
                }
                metrics.extend(stat::find(name).map(|statistic| statistic.name()));
                joint.extend(multivariate::names().find(|it| it == name));
            }
        }
    }
    let is_chunked = args.tool.is_some_and(Tool::is_chunked);
    if !is_chunked && (args.chunk.is_some() || args.time.is_some()) {
        bail!("--chunk and --time are for --as nannyml");
    }
    if let (Some(Length::Period(_)), None) = (args.chunk, &args.time) {
        bail!("chunks of a period need --time COLUMN");
    }
    if args.multivariate {
        joint = multivariate::names().collect();
    }
    let mut named = BTreeSet::new();
    metrics.retain(|name| named.insert(*name));
    Ok(Chosen { metrics: (!metrics.is_empty()).then_some(metrics), joint })
}

/// How a tool that judges chunks is to cut them.
pub(super) fn chunking(args: &Args) -> Option<Chunking<'_>> {
    let is_chunked = args.tool.is_some_and(Tool::is_chunked);
    is_chunked.then_some(Chunking { length: args.chunk, time: args.time.as_deref() })
}
