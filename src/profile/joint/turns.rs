//! Sine and cosine of an angle in turns.

/// Adding and taking this away rounds to a whole number.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// 1/(2k(2k - 1)) and 1/(2k(2k + 1)) for k from 1.
const FACTORS: [(f64, f64); 9] = {
    let mut factors = [(0.0, 0.0); 9];
    let mut k = 1;
    while k <= 9 {
        let double = 2.0 * k as f64;
        factors[k - 1] = (1.0 / (double * (double - 1.0)), 1.0 / (double * (double + 1.0)));
        k += 1;
    }
    factors
};

fn round(x: f64) -> f64 {
    (x + ROUND) - ROUND
}

/// Angles farther out are taken for this: they have no digits left for their place in a turn.
const TURNS_MAX: f64 = (1_u64 << 49) as f64;

/// cos 2πt and sin 2πt, within 1e-11.
///
/// Without a branch and without the system's library: eight at a time, and the same bits on every
/// machine. The angle is brought to a quarter turn from the nearest half turn; what is left is
/// Taylor's series.
pub(super) fn cos_sin(turns: f64) -> (f64, f64) {
    let turns = turns.clamp(-TURNS_MAX, TURNS_MAX);
    let halves = round(2.0 * turns);
    let odd = halves * 0.5 - round(halves * 0.5);
    let sign = 1.0 - 4.0 * odd.abs();
    let x = (turns - 0.5 * halves) * std::f64::consts::TAU;
    let y = -x * x;
    // Σ yᵏ/(2k)! and x·Σ yᵏ/(2k + 1)!, by Horner.
    let (mut cos, mut sin) = (1.0, 1.0);
    for (of_cos, of_sin) in FACTORS.iter().rev() {
        cos = 1.0 + cos * y * of_cos;
        sin = 1.0 + sin * y * of_sin;
    }
    (sign * cos, sign * x * sin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_sine_and_cosine() {
        for i in -40_000..=40_000 {
            let turns = f64::from(i) / 7919.0;
            let (cos, sin) = cos_sin(turns);
            let (sin_std, cos_std) = (std::f64::consts::TAU * turns).sin_cos();
            assert!((cos - cos_std).abs() < 1e-11, "cos {turns}: {cos} {cos_std}");
            assert!((sin - sin_std).abs() < 1e-11, "sin {turns}: {sin} {sin_std}");
        }
        for turns in [1e14, -1e15, 1e300, f64::INFINITY] {
            let (cos, sin) = cos_sin(turns);
            assert!((cos.hypot(sin) - 1.0).abs() < 1e-11, "{turns}: {cos} {sin}");
        }
    }
}
