//! Fields of a spec that take one value or a list of values, and values that may be named lists of
//! a world. They exist so that a spec needs no lists of one value and serves every world.

use std::{fmt, marker::PhantomData};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::IntoDeserializer};

/// One value, or a list of at least one value.
#[derive(Clone, Debug, PartialEq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<T> {
            type Value = Vec<T>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value or a list of values")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<T>, E> {
                T::deserialize(text.into_deserializer()).map(|value| vec![value])
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Vec<T>, E> {
                T::deserialize(number.into_deserializer()).map(|value| vec![value])
            }
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Vec<T>, E> {
                T::deserialize(number.into_deserializer()).map(|value| vec![value])
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut sequence: A,
            ) -> Result<Vec<T>, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = sequence.next_element()? {
                    values.push(value);
                }
                Ok(values)
            }
        }
        deserializer.deserialize_any(Visitor(PhantomData)).map(Self)
    }
}

/// A value, or the name of a list of values that the world defines.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueOrGroup<T> {
    /// A value.
    Value(T),
    /// The list's name.
    Name(String),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ValueOrGroup<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<T> {
            type Value = ValueOrGroup<T>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value, or the name of a list that the world defines")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ValueOrGroup<T>, E> {
                let value: Result<T, E> = T::deserialize(text.into_deserializer());
                Ok(value.map_or_else(|_| ValueOrGroup::Name(text.to_owned()), ValueOrGroup::Value))
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<ValueOrGroup<T>, E> {
                T::deserialize(number.into_deserializer()).map(ValueOrGroup::Value)
            }
        }
        deserializer.deserialize_any(Visitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for ValueOrGroup<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Named{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let value = generator.subschema_for::<T>();
        schemars::json_schema!({ "anyOf": [value, { "type": "string" }] })
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let one = generator.subschema_for::<T>();
        schemars::json_schema!({
            "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }],
        })
    }
}
