//! Serialises one bit for each test image as JSON: the count, and the bits in hexadecimal, with the
//! first image in the highest bit of the first byte.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::util::hexadecimal;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Packed {
    count: usize,
    hex: String,
}

pub(crate) fn serialize<S: Serializer>(bits: &[bool], serializer: S) -> Result<S::Ok, S::Error> {
    let bytes: Vec<u8> = bits
        .chunks(8)
        .map(|part| {
            part.iter().enumerate().fold(0, |byte, (at, bit)| byte | (u8::from(*bit) << (7 - at)))
        })
        .collect();
    Packed { count: bits.len(), hex: hexadecimal(&bytes) }.serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<bool>, D::Error> {
    let Packed { count, hex } = Packed::deserialize(deserializer)?;
    let fault = || serde::de::Error::custom("the number of bits is not the count");
    // The count is checked against the text before memory is allocated for it.
    if hex.len() != count.div_ceil(8).saturating_mul(2) || !hex.is_ascii() {
        return Err(fault());
    }
    let bytes = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).map_err(|_| fault()))
        .collect::<Result<Vec<u8>, D::Error>>()?;
    Ok((0..count).map(|at| bytes[at / 8] >> (7 - at % 8) & 1 == 1).collect())
}
