//! How large a difference is that a test finds: what stands beside a p-value.
//!
//! A p-value says how surely two samples differ, and with many rows everything differs. So no rule
//! rests on it alone: it needs an effect besides, which does not grow with the rows.
//!
//! | test | its effect |
//! | --- | --- |
//! | `ks`, `kuiper`, `fisher_exact` | the statistic itself |
//! | `anderson_darling`, `cramer_von_mises`, `epps_singleton` | `wasserstein_normed`: how far values moved, in deviations of the reference |
//! | `t_test`, `t_test_pooled` | `mean_shift`: how far the mean moved, in deviations of the reference |
//! | `mann_whitney` | `rank_biserial`: ∣1 - 2U/(n·m)∣, from 0 to 1 |
//! | `chi_square`, `g_test` | `cramers_v`, corrected for its bias |
//! | `two_proportion_z` | `total_variation`: the difference of the shares |
//!
//! Sources: Sullivan, Feinn (2012), *Using effect size - or why the P value is not enough*; Kerby
//! (2014), *The simple difference formula* (rank-biserial correlation).
use super::{Frozen, Measurement, drift::Sides};
use crate::{profile::Profile, stat, stat::NoValue};

/// The effect that stands beside a metric's p-value; `None` where it has no p-value.
///
/// ```
/// use driftd::monitor::effect_of;
/// assert_eq!(effect_of("ks"), Some("ks"));
/// assert_eq!(effect_of("chi_square"), Some("cramers_v"));
/// assert_eq!(effect_of("psi"), None);
/// ```
pub fn effect_of(metric: &str) -> Option<&'static str> {
    Some(match metric {
        "ks" => "ks",
        "kuiper" => "kuiper",
        "fisher_exact" => "fisher_exact",
        "anderson_darling" | "cramer_von_mises" | "epps_singleton" => "wasserstein_normed",
        "t_test" | "t_test_pooled" => "mean_shift",
        "mann_whitney" => "rank_biserial",
        "chi_square" | "g_test" => "cramers_v",
        "two_proportion_z" => "total_variation",
        _ => return None,
    })
}

/// The effect of a measurement, measured on the same rows.
///
/// # Errors
/// Why the effect has no value.
pub fn effect(
    frozen: &Frozen,
    current: &Profile,
    measurement: &Measurement,
    rows_min: u64,
) -> Result<f64, NoValue> {
    let value = measurement.value.clone()?;
    let (metric, column) = (measurement.metric.as_str(), measurement.column.as_deref());
    let (Some(effect), Some(column)) = (effect_of(metric), column) else {
        return Err(NoValue::Other(format!("`{metric}` has no effect size")));
    };
    if effect == metric {
        return Ok(value);
    }
    if effect == "rank_biserial" {
        let rows = |it| stat::find(metric).map_or(0, |statistic| statistic.rows(it)) as f64;
        let reference = frozen.profile.columns.get(column).map_or(0.0, rows);
        let pairs = reference * measurement.rows as f64;
        return match pairs > 0.0 {
            true => Ok((1.0 - 2.0 * value / pairs).abs()),
            false => Err(NoValue::Other("no pairs of rows".to_owned())),
        };
    }
    Sides::of(frozen, current, column).value(effect, rows_min).map(|it| it.value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        monitor::{NullDraws, freeze},
        profile::{ColumnProfile, Kind},
        stat::{categorical, numeric},
    };

    #[track_caller]
    fn check(metric: &str, reference: ColumnProfile, current: ColumnProfile, want: f64) {
        let profile = |column: ColumnProfile| Profile {
            rows: column.counts.rows,
            columns: BTreeMap::from([("x".to_owned(), column)]),
            ..Profile::default()
        };
        let kinds = BTreeMap::from([("x".to_owned(), reference.kind)]);
        let frozen = freeze(profile(reference), "static", 10, &kinds);
        let current = profile(current);
        let measured = Sides::of(&frozen, &current, "x").measure(metric, 2, &mut NullDraws::new());
        let got = effect(&frozen, &current, &measured, 2).unwrap();
        assert!((got - want).abs() < 1e-9, "{metric}: {got}");
    }

    #[test]
    fn effects_do_not_grow_with_the_rows() {
        for times in [1, 50] {
            let spread = |from: f64| {
                numeric((0..times).flat_map(move |_| [0.0, 1.0, 2.0, 3.0].map(|x| x + from)))
            };
            // Of 16 pairs the reference's is above in 3, and equal in 3.
            check("mann_whitney", spread(0.0), spread(1.0), 1.0 - 2.0 * 4.5 / 16.0);
            check("t_test", spread(0.0), spread(1.0), 1.0 / 1.25f64.sqrt());
            check("anderson_darling", spread(0.0), spread(1.0), 1.0 / 1.25f64.sqrt());
            let coin = |a: u64, b: u64| categorical(&[("a", a * times), ("b", b * times)]);
            check("two_proportion_z", coin(5, 5), coin(6, 4), 0.1);
        }
    }

    #[test]
    fn whatever_has_a_p_value_has_an_effect() {
        for statistic in stat::ALL {
            let side = |turn: u64| match statistic.kinds() {
                kinds if kinds.contains(&Kind::Numeric) => {
                    numeric((0..400).map(|x| (x * (2 + turn) % 97) as f64))
                }
                _ => categorical(&[("a", 150 + turn), ("b", 250)]),
            };
            let (reference, current) = (side(0), side(1));
            let bins = stat::Bins::of(&reference, 10);
            let pair =
                stat::Pair { reference: &reference, current: &current, bins: &bins, rows_min: 2 };
            let name = statistic.name();
            let has_p = statistic.measure(&pair).is_ok_and(|it| it.p_value.is_some());
            assert_eq!(has_p, effect_of(name).is_some(), "{name}");
        }
    }
}
