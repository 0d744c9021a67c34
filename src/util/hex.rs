//! Bytes as hexadecimal text.

/// Bytes in hexadecimal: two lower-case digits per byte.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
