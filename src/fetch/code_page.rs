//! Code page 437 of the IBM PC, in which names of zip archives are written unless a flag says UTF-8
//! (APPNOTE 6.3.10, appendix D).

/// The characters of the bytes 128 to 255.
const HIGH: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ\
    áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
    αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// Decodes a name.
pub(super) fn decode_437(bytes: &[u8]) -> String {
    let character = |byte: &u8| match byte.checked_sub(128) {
        None => char::from(*byte),
        Some(high) => HIGH.chars().nth(high.into()).unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    bytes.iter().map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::decode_437;

    /// As Python's `bytes(...).decode("cp437")`.
    #[test]
    fn every_byte_has_its_character() {
        let all: Vec<u8> = (0..=255).collect();
        let decoded = decode_437(&all);
        assert_eq!(decoded.chars().count(), 256);
        assert!(!decoded.contains(char::REPLACEMENT_CHARACTER));
        assert_eq!(
            decode_437(b"M\x81nchen, caf\x82, \xe1\xff"),
            "M\u{fc}nchen, caf\u{e9}, \u{df}\u{a0}"
        );
        assert_eq!(
            decode_437(&[127, 128, 160, 176, 192, 224, 254]),
            "\u{7f}\u{c7}\u{e1}\u{2591}\u{2514}\u{3b1}\u{25a0}"
        );
    }
}
