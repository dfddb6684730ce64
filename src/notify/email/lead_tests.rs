//! What an alert about columns leads with.
use super::{super::conformance::*, tests::letter, *};

/// The lines of a mail's text up to the facts.
fn lead(note: &Note) -> String {
    let text = letter(note).text;
    text.split("\nModel ").next().unwrap_or_default().trim_end().to_owned()
}

#[test]
fn an_alert_leads_with_the_three_columns_that_matter() {
    insta::assert_snapshot!(lead(&ranked()), @"
    psi of origin is 0.241, above 0.2; next temp and dewp, and 1 more column.

    What matters most, by drift × importance
      column       drift  importance      impact    explains
      origin         0.3         0.5        0.15       127 %
      temp           0.6         0.2        0.12     -21.4 %
      dewp           0.4         0.1        0.04
      explains: the share of the score's move that is the column's own; the mean score went from 0.2141 to 0.2673
    ");
    let html = letter(&ranked()).html;
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("no {text} in {html}"));
    assert!(at("What matters most, by drift × importance") < at("What breached"));
    assert!(at("<td>origin<") < at("<td>temp<") && at("<td>temp<") < at("<td>dewp<"));
    assert!(at("127 %") < at("-21.4 %"));
}

#[test]
fn without_importances_drift_alone_ranks_and_that_is_said() {
    let mut note = ranked();
    if let Some(ranking) = &mut note.ranking {
        ranking.importances = None;
        ranking.unexplained = Some("the window has no score".to_owned());
        ranking.score = None;
        for it in &mut ranking.columns {
            (it.importance, it.impact, it.explained) = (None, None, None);
        }
    }
    insta::assert_snapshot!(lead(&note), @"
    psi of origin is 0.241, above 0.2, and 3 more columns.

    What drifted most (no importances are configured)
      column       drift
      origin         0.3
      temp           0.6
      dewp           0.4
      no share of the score's move is explained: the window has no score
    ");
}
