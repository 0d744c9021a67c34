//! zstd as RFC 8878 defines it: a series of frames, each with its checksum if it has one.

use std::io::{self, Read};

use ruzstd::decoding::{
    StreamingDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

/// The first bytes of a frame.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Whether a frame begins here.
#[must_use]
pub fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&ZSTD) || is_skippable(bytes)
}

/// Whether a skippable frame begins here, as some programs write before the others.
fn is_skippable(bytes: &[u8]) -> bool {
    matches!(bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// All frames of a file: programs that compress in parts write several.
pub struct Frames<'a> {
    rest: &'a [u8],
    frame: Option<Box<StreamingDecoder<&'a [u8], ruzstd::decoding::FrameDecoder>>>,
}

impl std::fmt::Debug for Frames<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Frames").field("rest", &self.rest.len()).finish_non_exhaustive()
    }
}

impl<'a> Frames<'a> {
    /// Reads the frames of `packed`.
    #[must_use]
    pub fn new(packed: &'a [u8]) -> Self {
        Self { rest: packed, frame: None }
    }
}

impl Read for Frames<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(frame) = &mut self.frame else {
                if self.rest.is_empty() {
                    return Ok(0);
                }
                self.next()?;
                continue;
            };
            match frame.read(buffer)? {
                0 if !buffer.is_empty() => {
                    let decoder = &frame.decoder;
                    let stated = decoder.get_checksum_from_data();
                    if stated.is_some() && stated != decoder.get_calculated_checksum() {
                        return Err(io::Error::other("the checksum of a zstd frame differs"));
                    }
                    self.rest = frame.get_ref();
                    self.frame = None;
                }
                count => return Ok(count),
            }
        }
    }
}

impl Frames<'_> {
    /// Begins the next frame, or skips one that has no data.
    fn next(&mut self) -> io::Result<()> {
        match StreamingDecoder::new(self.rest) {
            Ok(frame) => self.frame = Some(Box::new(frame)),
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let end = usize::try_from(length).ok().and_then(|length| length.checked_add(8));
                let rest = end.and_then(|end| self.rest.get(end..));
                self.rest = rest.ok_or_else(|| io::Error::other("a zstd frame is cut"))?;
            }
            Err(why) => return Err(io::Error::other(why)),
        }
        Ok(())
    }
}
