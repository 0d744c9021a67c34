//! Decodes the texts of protocol 0: quoted strings with Python's escapes, and text with `\u`.

/// The bytes of a string in the format of Python 2's `repr`; `None` if it is invalid.
pub fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.trim_ascii();
    let (first, last) = (*line.first()?, *line.last()?);
    if line.len() < 2 || first != last || !matches!(first, b'\'' | b'"') {
        return None;
    }
    let mut rest = line[1..line.len() - 1].iter().copied().peekable();
    let mut bytes = Vec::new();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let byte = match rest.next()? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'v' => 11,
            b'x' => {
                let digits = [rest.next()?, rest.next()?];
                u8::try_from(hexadecimal(&digits)?).ok()?
            }
            digit @ b'0'..=b'7' => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    let Some(digit) = rest.next_if(|byte| matches!(byte, b'0'..=b'7')) else {
                        break;
                    };
                    value = 8 * value + u32::from(digit - b'0');
                }
                (value & 0xff) as u8
            }
            same @ (b'\\' | b'\'' | b'"') => same,
            other => {
                bytes.push(b'\\');
                other
            }
        };
        bytes.push(byte);
    }
    Some(bytes)
}

/// Whether bytes are UTF-8 except for surrogates, which are encoded as other characters are
/// (Python's error handler `surrogatepass`).
pub fn is_text_with_surrogates(mut bytes: &[u8]) -> bool {
    while let Err(error) = std::str::from_utf8(bytes) {
        bytes = match &bytes[error.valid_up_to()..] {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, rest @ ..] => rest,
            _ => return false,
        };
    }
    true
}

/// Text of protocol 0.
#[derive(Debug, PartialEq)]
pub enum Escaped {
    Text(String),
    /// With lone surrogates.
    Odd,
}

/// Text in Latin-1 with `\u` and `\U` for other characters; `None` if an escape is invalid.
pub fn escaped(line: &[u8]) -> Option<Escaped> {
    let (mut text, mut odd) = (String::new(), false);
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        at += 1;
        let digits = match (byte, line.get(at)) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(*byte));
                continue;
            }
        };
        let code = hexadecimal(line.get(at + 1..at + 1 + digits)?)?;
        match code {
            0xd800..=0xdfff => odd = true,
            code => text.push(char::from_u32(code)?),
        }
        at += 1 + digits;
    }
    Some(if odd { Escaped::Odd } else { Escaped::Text(text) })
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0_u32, |value, digit| Some((value << 4) | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_as_in_python() {
        assert_eq!(quoted(br"'a\n\x41\101\0b\\\'\q'").unwrap(), b"a\nAA\0b\\'\\q");
        assert_eq!(quoted(b"\"it's\"").unwrap(), b"it's");
        for invalid in [&b"'a"[..], b"'", b"", b"a", br"'\x4'", br"'\'"] {
            assert_eq!(quoted(invalid), None, "{invalid:?}");
        }
        let text = |text: &str| Some(Escaped::Text(text.to_owned()));
        assert_eq!(escaped(br"a\u03b1\U0001f600\n"), text("aα😀\\n"));
        assert_eq!(escaped(b"\xe9"), text("é"));
        // As in Python, surrogates are no pair here.
        for odd in [&br"a\ud800"[..], br"\udcffb", br"\ud83d\ude00"] {
            assert_eq!(escaped(odd), Some(Escaped::Odd), "{odd:?}");
        }
        for invalid in [&br"\u03b"[..], br"\Uffffffff", br"\uzzzz"] {
            assert_eq!(escaped(invalid), None, "{invalid:?}");
        }
    }

    #[test]
    fn surrogates_are_the_only_exception_to_utf_8() {
        for odd in [&b"\xed\xa0\x80"[..], b"a\xed\xb3\xbfb", b"\xed\xa0\xbd\xed\xb8\x80", b"ab"] {
            assert!(is_text_with_surrogates(odd), "{odd:?}");
        }
        for damaged in [&b"\xff"[..], b"\xed\xa0", b"\xed", b"\xed\xa0\x80\xff", b"\xc0\x80"] {
            assert!(!is_text_with_surrogates(damaged), "{damaged:?}");
        }
    }
}
