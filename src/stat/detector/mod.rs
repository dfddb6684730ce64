//! Streaming change detectors: values go in one by one, and where their course has changed one of
//! them says so. One detector a file.
//!
//! Options ([`AnyDetector`]), what is remembered ([`State`]) and both together ([`Stream`]) are
//! different types. A stream is plain data: written down at any value and read back it says what it
//! would have said.
//!
//! **Invariant:** a value that a detector can't take (NaN, infinite, outside its domain) is refused
//! and counted, and changes nothing else.
//!
//! Adding one: a file with an options struct that implements [`Detector`], its `mod` line and its
//! line in the list below. The tests over the list then run it too.
mod adwin;
mod cusum;
mod ddm;
mod ecdd;
mod eddm;
mod hddm_a;
mod hddm_w;
mod kswin;
mod mean;
mod page_hinkley;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use self::mean::Mean;

/// What a detector says of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signal {
    /// Nothing.
    None,
    /// The course may be changing.
    Warning,
    /// It has changed; how, where the detector knows. What comes next begins anew.
    Drift(Option<Change>),
}

/// The mean on both sides of a change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Mean of the values before it.
    pub before: f64,
    /// Mean of the values since.
    pub after: f64,
}

/// The values that a detector takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Any number up to [`VALUE_MAX`] on either side of 0.
    Number,
    /// 0 to 1: errors, or a share of them.
    Share,
    /// 0 or 1: one outcome.
    Outcome,
}

/// Above it squares of sums could leave the numbers.
pub const VALUE_MAX: f64 = 1e100;

impl Domain {
    /// Whether the value can be taken.
    pub fn takes(self, x: f64) -> bool {
        match self {
            Self::Number => x.abs() <= VALUE_MAX,
            Self::Share => (0.0..=1.0).contains(&x),
            // Exactly: half an error is none.
            Self::Outcome => x.total_cmp(&1.0).is_eq() || x == 0.0,
        }
    }
}

/// Which changes of the mean count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Larger values.
    Up,
    /// Smaller values.
    Down,
    /// Either.
    #[default]
    Both,
}

impl Mode {
    fn up(self) -> bool {
        self != Self::Down
    }

    fn down(self) -> bool {
        self != Self::Up
    }
}

/// An option that makes no sense, and why.
pub type Bad = (&'static str, String);

/// The options of a detector, and what it does with a value.
pub trait Detector: Copy + Default + PartialEq + DeserializeOwned + JsonSchema {
    /// What it remembers.
    type State: Clone + Default + PartialEq + Serialize + DeserializeOwned;
    /// The values that it takes.
    fn domain(&self) -> Domain;
    /// The first option that makes no sense.
    fn bad(&self) -> Option<Bad>;
    /// Takes a value of its domain. What is remembered when a drift was said counts no more: the
    /// next value finds a new state.
    fn update(&self, state: &mut Self::State, x: f64) -> Signal;
    /// How many values it takes after the largest change that is possible, where no two values are
    /// more than `range` apart; 1 where that does not depend on it.
    fn values_min(&self, range: f64) -> f64 {
        let _ = range;
        1.0
    }
}

/// What is done with the options type of a kind that is known by name only.
pub trait Visitor {
    /// What comes of it.
    type Out;
    /// Does it.
    fn visit<T: Detector + Into<AnyDetector>>(self) -> Self::Out;
}

/// Declares the options of any detector, the state of any, and the ways in.
macro_rules! detectors {
    ($($kind:literal => $module:ident :: $Ty:ident / $State:ident),+ $(,)?) => {
        $(pub use $module::{$Ty, $State};)+

        /// Every detector, by its options.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", rename_all = "snake_case")]
        pub enum AnyDetector {
            $(
                #[doc = concat!("`type = \"", $kind, "\"`")]
                $Ty($Ty)
            ),+
        }

        /// What any detector remembers.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", rename_all = "snake_case")]
        pub enum State {
            $(
                #[doc = concat!("Of [`", stringify!($Ty), "`].")]
                $Ty($State)
            ),+
        }

        $(impl From<$Ty> for AnyDetector {
            fn from(it: $Ty) -> Self {
                Self::$Ty(it)
            }
        })+

        impl AnyDetector {
            /// Every kind, in the order in which documents list them.
            pub const KINDS: &'static [&'static str] = &[$($kind),+];

            /// The detector of this name with its usual options.
            pub fn find(kind: &str) -> Option<Self> {
                match kind {
                    $($kind => Some(Self::$Ty($Ty::default())),)+
                    _ => None,
                }
            }

            /// Hands the options type of this kind to a visitor; `None` where there is no such
            /// kind.
            pub fn visit<V: Visitor>(kind: &str, visitor: V) -> Option<V::Out> {
                match kind {
                    $($kind => Some(visitor.visit::<$Ty>()),)+
                    _ => None,
                }
            }

            /// The JSON Schema of each kind's options, by kind.
            pub fn schemas(generator: &mut schemars::SchemaGenerator) -> Vec<(&'static str, schemars::Schema)> {
                vec![$(($kind, generator.subschema_for::<$Ty>())),+]
            }

            /// Its name.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$Ty(_) => $kind),+ }
            }

            /// The values that it takes.
            pub fn domain(&self) -> Domain {
                match self { $(Self::$Ty(it) => it.domain()),+ }
            }

            /// The first option that makes no sense.
            pub fn bad(&self) -> Option<Bad> {
                match self { $(Self::$Ty(it) => it.bad()),+ }
            }

            /// See [`Detector::values_min`].
            pub fn values_min(&self, range: f64) -> f64 {
                match self { $(Self::$Ty(it) => it.values_min(range)),+ }
            }

            /// What it remembers before the first value.
            pub fn start(&self) -> State {
                match self { $(Self::$Ty(_) => State::$Ty($State::default())),+ }
            }

            fn update(&self, state: &mut State, x: f64) -> Signal {
                match (self, state) {
                    $((Self::$Ty(it), State::$Ty(state)) => it.update(state, x),)+
                    // Another detector's: what it knew is of no use.
                    (_, state) => {
                        *state = self.start();
                        self.update(state, x)
                    }
                }
            }
        }
    };
}

detectors! {
    "adwin" => adwin::Adwin / AdwinState,
    "page_hinkley" => page_hinkley::PageHinkley / PageHinkleyState,
    "cusum" => cusum::Cusum / CusumState,
    "kswin" => kswin::Kswin / KswinState,
    "ddm" => ddm::Ddm / DdmState,
    "eddm" => eddm::Eddm / EddmState,
    "hddm_a" => hddm_a::HddmA / HddmAState,
    "hddm_w" => hddm_w::HddmW / HddmWState,
    "ecdd" => ecdd::Ecdd / EcddState,
}

/// A detector in the middle of its values.
///
/// ```
/// use driftd::stat::detector::{AnyDetector, Signal, Stream};
/// let mut stream = Stream::new(AnyDetector::find("page_hinkley").unwrap());
/// stream.update(0.7);
/// assert_eq!((stream.update(f64::NAN), stream.refused()), (Signal::None, 1));
/// let kept = serde_json::to_string(&stream)?;
/// assert_eq!(serde_json::from_str::<Stream>(&kept)?, stream);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    detector: AnyDetector,
    state: State,
    #[serde(default)]
    refused: u64,
}

impl Stream {
    /// Before the first value.
    pub fn new(detector: AnyDetector) -> Self {
        Self { detector, state: detector.start(), refused: 0 }
    }

    /// Its options.
    pub fn detector(&self) -> AnyDetector {
        self.detector
    }

    /// Values that it could not take, since it was made.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes the next value. After a drift the one after begins anew.
    pub fn update(&mut self, x: f64) -> Signal {
        if !self.detector.domain().takes(x) {
            self.refused = self.refused.saturating_add(1);
            return Signal::None;
        }
        let signal = self.detector.update(&mut self.state, x);
        if matches!(signal, Signal::Drift(_)) {
            self.state = self.detector.start();
        }
        signal
    }
}

fn open_unit(key: &'static str, value: f64) -> Option<Bad> {
    let fits = value > 0.0 && value < 1.0;
    (!fits).then(|| (key, format!("expected above 0 and below 1, got {value}")))
}

fn positive(key: &'static str, value: f64) -> Option<Bad> {
    let fits = value > 0.0 && value <= VALUE_MAX;
    (!fits).then(|| (key, format!("expected above 0, got {value}")))
}

fn not_negative(key: &'static str, value: f64) -> Option<Bad> {
    let fits = (0.0..=VALUE_MAX).contains(&value);
    (!fits).then(|| (key, format!("expected 0 or more, got {value}")))
}

/// A drift takes at least what a warning takes.
fn ordered_thresholds(warning: f64, drift: f64) -> Option<Bad> {
    positive("warning_threshold", warning).or_else(|| {
        let fits = drift >= warning && drift <= VALUE_MAX;
        let why = || format!("expected at least `warning_threshold` ({warning}), got {drift}");
        (!fits).then(|| ("drift_threshold", why()))
    })
}

/// A drift is at least as sure as a warning.
fn confidences(drift: f64, warning: f64) -> Option<Bad> {
    open_unit("drift_confidence", drift).or_else(|| {
        let fits = warning >= drift && warning < 1.0;
        let why =
            || format!("expected `drift_confidence` ({drift}) or more, below 1, got {warning}");
        (!fits).then(|| ("warning_confidence", why()))
    })
}
