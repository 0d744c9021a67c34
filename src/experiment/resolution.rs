//! The resolution that images are downscaled to before all other steps.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The side, in pixels, that images are downscaled to before all other steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resolution {
    /// Images at their original size.
    #[default]
    Native,
    /// Images downscaled to this many pixels on each side.
    Pixels(u32),
}

impl fmt::Display for Resolution {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native => formatter.write_str("native"),
            Self::Pixels(pixels) => write!(formatter, "{pixels}"),
        }
    }
}

impl Serialize for Resolution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Native => serializer.serialize_str("native"),
            Self::Pixels(pixels) => serializer.serialize_u32(*pixels),
        }
    }
}

impl<'de> Deserialize<'de> for Resolution {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Resolution;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number of pixels of at least 1, or \"native\"")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Resolution, E> {
                match text {
                    "native" => Ok(Resolution::Native),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }
            fn visit_i64<E: serde::de::Error>(self, pixels: i64) -> Result<Resolution, E> {
                u32::try_from(pixels)
                    .ok()
                    .filter(|pixels| *pixels > 0)
                    .map(Resolution::Pixels)
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Signed(pixels), &self))
            }
            fn visit_u64<E: serde::de::Error>(self, pixels: u64) -> Result<Resolution, E> {
                self.visit_i64(i64::try_from(pixels).unwrap_or(i64::MAX))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Resolution {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Resolution".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Pixels on each side that images are downscaled to, or \"native\".",
            "oneOf": [{ "const": "native" }, { "type": "integer", "minimum": 1 }],
        })
    }
}
