//! gzip as RFC 1952 defines it: a series of members. One rule for every compressed input: all
//! members are read, nothing but zeros may stand between and after them, and success means that the
//! input was used up. Zeros are allowed because tapes and some copies pad a file to whole blocks;
//! Python's `gzip` has the same rule.

use std::io::{BufRead, Error, ErrorKind, Read, Result};

use flate2::bufread::GzDecoder;

/// The first byte of a member.
const FIRST: u8 = 0x1f;

/// The contents of all members.
#[derive(Debug)]
pub struct Members<R> {
    /// The current member; `None` after the last one.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    /// Reads the members of `packed`. The first read fails if there is none.
    #[must_use]
    pub fn new(packed: R) -> Self {
        Self { member: Some(GzDecoder::new(packed)) }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            match member.read(into)? {
                0 => {
                    let mut rest = self.member.take().expect("it is there").into_inner();
                    if let Some(next) = skip_zeros(&mut rest)? {
                        if next != FIRST {
                            return Err(others_follow());
                        }
                        self.member = Some(GzDecoder::new(rest));
                    }
                }
                read => return Ok(read),
            }
        }
        Ok(0)
    }
}

/// Skips zeros; the byte that follows them, if any.
fn skip_zeros(rest: &mut impl BufRead) -> Result<Option<u8>> {
    loop {
        let bytes = match rest.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let other = bytes.get(zeros).copied();
        rest.consume(zeros);
        if other.is_some() {
            return Ok(other);
        }
    }
}

/// Reads what follows the end of an archive, to the end of the input.
///
/// # Errors
/// If it can't be read, or is not zeros alone.
pub fn only_zeros(rest: &mut impl BufRead) -> Result<()> {
    match skip_zeros(rest)? {
        Some(_) => Err(others_follow()),
        None => Ok(()),
    }
}

fn others_follow() -> Error {
    Error::new(ErrorKind::InvalidData, "other bytes than zeros follow its end")
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write};

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn member(bytes: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    /// Unpacks through a buffer of one byte, so that every boundary falls between two reads.
    fn unpacked(packed: &[u8]) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Members::new(BufReader::with_capacity(1, packed)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn what_follows_the_last_member_must_be_zeros() {
        let packed = member(b"one");
        for end in [&b""[..], b"\0", &[0; 2000]] {
            assert_eq!(unpacked(&[&packed, end].concat()).unwrap(), b"one");
            // As Python's gzip, which reads on after zeros.
            let two = [&packed, end, &member(b""), &member(b"two")].concat();
            assert_eq!(unpacked(&two).unwrap(), b"onetwo");
        }
        for end in [&b"x"[..], b"\0x", b"\x1f", b"\x1f\x8b", b"\x1f\x8b\x08\0\0\0"] {
            assert!(unpacked(&[&packed, end].concat()).is_err(), "{end:?}");
        }
        for end in [&b"junk"[..], b"\0\0junk that is longer than a member's header"] {
            let error = unpacked(&[&packed, end].concat()).unwrap_err();
            assert_eq!(error.to_string(), "other bytes than zeros follow its end");
        }
        for end in 0..packed.len() {
            assert!(unpacked(&packed[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn all_members_are_read_however_the_bytes_are_cut(
            parts in prop::collection::vec(
                (prop::collection::vec(any::<u8>(), 0..40), 0..3_usize), 1..6,
            ),
        ) {
            let packed: Vec<u8> = parts
                .iter()
                .flat_map(|(bytes, zeros)| [member(bytes), vec![0; *zeros]].concat())
                .collect();
            let plain: Vec<u8> = parts.into_iter().flat_map(|(bytes, _)| bytes).collect();
            prop_assert_eq!(unpacked(&packed).unwrap(), plain);
        }
    }
}
