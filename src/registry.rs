//! One macro turns a list of names into a closed registry.
//!
//! The `mod` lines stay outside it: rustfmt does not see a module that a macro declares. A file
//! without its entry is never constructed, an entry without its file does not compile.

/// Declares an enum over the entries, their names, the reader of their options, and the way in.
///
/// Each entry is `"kind" => module::Type`; `Type` implements the trait and, being options of a
/// config file, `Deserialize` and `JsonSchema`.
macro_rules! registry {
    ($(#[$meta:meta])* pub enum $Any:ident: $Trait:ident {
        $($kind:literal => $module:ident :: $Ty:ident),+ $(,)?
    }) => {
        $(pub use $module::$Ty;)+

        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub enum $Any {
            $(
                #[doc = concat!("`type = \"", $kind, "\"`")]
                $Ty($Ty)
            ),+
        }

        impl $Any {
            /// Every kind a config file may name, in order of declaration.
            pub const KINDS: &'static [&'static str] = &[$($kind),+];

            /// Reads the options of `kind`; `None` where there is no such kind.
            pub fn read(kind: &str, options: &mut $crate::config::Table<'_>) -> Option<Option<Self>> {
                Some(match kind {
                    $($kind => options.read::<$Ty>().map(Self::$Ty),)+
                    _ => return None,
                })
            }

            /// The JSON Schema of each kind's options, by kind.
            pub fn schemas(generator: &mut schemars::SchemaGenerator) -> Vec<(&'static str, schemars::Schema)> {
                vec![$(($kind, generator.subschema_for::<$Ty>())),+]
            }

            /// The name this came from.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$Ty(_) => $kind),+ }
            }

            /// The only place where the enum is opened.
            pub fn get(&self) -> &dyn $Trait {
                match self { $(Self::$Ty(it) => it),+ }
            }
        }
    };
}
pub(crate) use registry;
