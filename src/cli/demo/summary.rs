//! What the year came to: accuracy as served beside what the first model alone would have given.
use std::{collections::BTreeMap, io::Write, path::Path};

use anstyle::{AnsiColor, Style};

use super::{story::auc, world};
use crate::{
    monitor::Outcomes,
    store::Store,
    time::{Grid, Timestamp, WindowSize},
};

/// Prints the table and where to look.
pub(super) async fn print(store: &Store, folder: &Path) -> anyhow::Result<()> {
    let grid = Grid::utc(WindowSize::Month);
    let first = first_model(&grid)?;
    let mut out = anstream::stdout().lock();
    let bold = Style::new().bold();
    writeln!(out, "\n{bold}month    v1 alone  as served  gained  by{bold:#}")?;
    for (start, unaided) in &first {
        let month = grid.window_of(*start);
        let mut served = Outcomes::default();
        let mut versions: Vec<String> = Vec::new();
        for row in store.performance("flight-delays", None, month).await? {
            served.merge(&Outcomes::decode(&row.body)?);
            if !versions.contains(&row.version) {
                versions.push(row.version);
            }
        }
        let (Some(alone), Some(served)) = (auc(unaided), auc(&served)) else { continue };
        let gained = served - alone;
        let style = match gained {
            g if g > 0.005 => Style::new().fg_color(Some(AnsiColor::Green.into())),
            g if g < -0.005 => Style::new().fg_color(Some(AnsiColor::Red.into())),
            _ => Style::new(),
        };
        let name: String = world::date(*start).chars().take(7).collect();
        let by = versions.join(", ");
        writeln!(out, "{name}  {alone:.4}    {served:.4}     {style}{gained:+.4}{style:#} {by}")?;
    }
    let shown = folder.display();
    writeln!(
        out,
        "\nleft to look at: {shown}/demo.db (SQLite), {shown}/mails/, {shown}/driftd.toml"
    )?;
    Ok(())
}

/// The first model's outcomes by month, over the flights whose fate is known.
fn first_model(grid: &Grid) -> anyhow::Result<BTreeMap<Timestamp, Outcomes>> {
    let truths = world::truths()?;
    let mut months: BTreeMap<Timestamp, Outcomes> = BTreeMap::new();
    for (id, at, score) in world::first_scores()? {
        let label = truths.get(&id).copied();
        let month = grid.window_of(at).start;
        months.entry(month).or_default().add(Some(score), score >= 0.5, label);
    }
    Ok(months)
}
