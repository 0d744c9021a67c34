//! Decodes the operations of pickle protocols 0 to 5 (Python's `pickletools` lists them). An
//! argument is a slice of the bytes, so that a wrong length can't allocate memory.

use std::borrow::Cow;

use super::{
    text::{Escaped, escaped, is_text_with_surrogates, quoted},
    value::Value,
};
use crate::checkpoint::error::Fault;

/// An operation of the pickle machine.
#[derive(Debug)]
pub enum Operation<'a> {
    /// The protocol or a frame, which has no effect.
    Nothing,
    Stop,
    Push(Value<'a>),
    Mark,
    Pop,
    PopMark,
    Duplicate,
    /// A tuple of this number of values from the stack.
    TupleOf(usize),
    Tuple,
    List,
    Dict,
    FrozenSet,
    Append,
    Appends,
    SetItem,
    SetItems,
    AddItems,
    /// Store the top of the stack in the memo, under a number or (`Memoize`) the next number.
    Put(u64),
    Memoize,
    Get(u64),
    Persistent,
    PersistentText(Value<'a>),
    /// A module and a name in it.
    Global(&'a str, &'a str),
    StackGlobal,
    Call,
    CallWithKeywords,
    /// Protocol 0: a class by name, and arguments down to the mark.
    Instance(&'a str, &'a str),
    /// Protocol 1: a class and arguments down to the mark.
    ObjectOfMark,
    Build,
}

/// Reads the operations of a pickle. Offsets in errors are relative to the beginning of the file.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The offset of `bytes` in the file.
    base: usize,
    /// Whether more bytes were asked for than there are.
    cut: bool,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`, which are at the offset `base` of the file, from an offset to their end.
    pub fn new(bytes: &'a [u8], at: usize, base: usize) -> Self {
        Self { bytes, at: at.min(bytes.len()), base, cut: false }
    }

    /// The offset of the next operation in the file.
    pub fn at(&self) -> usize {
        self.base + self.at
    }

    /// Whether more bytes were asked for than there are.
    pub fn cut(&self) -> bool {
        self.cut
    }

    /// Reads the next operation.
    ///
    /// # Errors
    /// If it is unknown, invalid or truncated.
    pub fn next(&mut self) -> Result<Operation<'a>, Fault> {
        use Operation as O;
        let begin = self.at();
        let fault = |what: &str| Err(Fault::pickle(begin, what));
        Ok(match self.array::<1>()?[0] {
            b'.' => O::Stop,
            b'(' => O::Mark,
            b'0' => O::Pop,
            b'1' => O::PopMark,
            b'2' => O::Duplicate,
            b'N' => O::Push(Value::None),
            0x88 => O::Push(Value::Bool(true)),
            0x89 => O::Push(Value::Bool(false)),
            b'I' => O::Push(match self.line()? {
                b"00" => Value::Bool(false),
                b"01" => Value::Bool(true),
                digits => decimal(digits, begin)?,
            }),
            b'L' => {
                let digits = self.line()?;
                O::Push(decimal(digits.strip_suffix(b"L").unwrap_or(digits), begin)?)
            }
            b'J' => O::Push(Value::Int(i32::from_le_bytes(self.array()?).into())),
            b'K' => O::Push(Value::Int(self.array::<1>()?[0].into())),
            b'M' => O::Push(Value::Int(u16::from_le_bytes(self.array()?).into())),
            0x8a => {
                let length = self.short()?;
                O::Push(two_s_complement(self.take(length)?))
            }
            0x8b => {
                let length = self.signed()?;
                O::Push(two_s_complement(self.take(length)?))
            }
            b'F' => {
                let text = std::str::from_utf8(self.line()?).ok();
                match text.and_then(|text| text.trim().parse().ok()) {
                    Some(value) => O::Push(Value::Float(value)),
                    None => return fault("invalid number"),
                }
            }
            b'G' => O::Push(Value::Float(f64::from_be_bytes(self.array()?))),
            b'S' => {
                let line = self.line()?;
                match quoted(line) {
                    Some(bytes) => O::Push(python_2(Cow::Owned(bytes))),
                    None => return fault("invalid quotes or escapes in a string"),
                }
            }
            b'T' => {
                let length = self.signed()?;
                O::Push(python_2(Cow::Borrowed(self.take(length)?)))
            }
            b'U' => {
                let length = self.short()?;
                O::Push(python_2(Cow::Borrowed(self.take(length)?)))
            }
            b'V' => match escaped(self.line()?) {
                Some(Escaped::Text(text)) => O::Push(Value::Text(Cow::Owned(text))),
                Some(Escaped::Odd) => O::Push(Value::OddText),
                None => return fault("invalid escapes in a text"),
            },
            b'X' => {
                let length = u32::from_le_bytes(self.array()?);
                self.text(length.into())?
            }
            0x8c => {
                let length = self.short()?;
                self.text(length)?
            }
            0x8d => {
                let length = u64::from_le_bytes(self.array()?);
                self.text(length)?
            }
            b'B' => {
                let length = u32::from_le_bytes(self.array()?);
                O::Push(Value::Bytes(Cow::Borrowed(self.take(length.into())?)))
            }
            b'C' => {
                let length = self.short()?;
                O::Push(Value::Bytes(Cow::Borrowed(self.take(length)?)))
            }
            // BINBYTES8 and BYTEARRAY8, which are the same for immutable values.
            0x8e | 0x96 => {
                let length = u64::from_le_bytes(self.array()?);
                O::Push(Value::Bytes(Cow::Borrowed(self.take(length)?)))
            }
            b')' => O::Push(Value::Tuple(Vec::new())),
            b']' => O::Push(Value::List(Vec::new())),
            b'}' => O::Push(Value::Dict(Vec::new())),
            0x8f => O::Push(Value::Set(Vec::new())),
            0x85 => O::TupleOf(1),
            0x86 => O::TupleOf(2),
            0x87 => O::TupleOf(3),
            b't' => O::Tuple,
            b'l' => O::List,
            b'd' => O::Dict,
            0x91 => O::FrozenSet,
            b'a' => O::Append,
            b'e' => O::Appends,
            b's' => O::SetItem,
            b'u' => O::SetItems,
            0x90 => O::AddItems,
            b'p' => O::Put(self.number()?),
            b'q' => O::Put(self.short()?),
            b'r' => O::Put(u32::from_le_bytes(self.array()?).into()),
            0x94 => O::Memoize,
            b'g' => O::Get(self.number()?),
            b'h' => O::Get(self.short()?),
            b'j' => O::Get(u32::from_le_bytes(self.array()?).into()),
            b'P' => O::PersistentText(python_2(Cow::Borrowed(self.line()?))),
            b'Q' => O::Persistent,
            b'c' => {
                let (module, name) = self.names()?;
                O::Global(module, name)
            }
            0x93 => O::StackGlobal,
            b'R' | 0x81 => O::Call,
            0x92 => O::CallWithKeywords,
            b'i' => {
                let (module, name) = self.names()?;
                O::Instance(module, name)
            }
            b'o' => O::ObjectOfMark,
            b'b' => O::Build,
            0x80 => match self.array::<1>()?[0] {
                0..=5 => O::Nothing,
                _ => return fault("the protocol is not one of 0 to 5"),
            },
            0x95 => {
                let length = u64::from_le_bytes(self.array()?);
                match usize::try_from(length) {
                    Ok(length) if length <= self.bytes.len() - self.at => O::Nothing,
                    _ => {
                        self.cut = true;
                        return fault("a frame is longer than the file");
                    }
                }
            }
            0x82..=0x84 => {
                return fault(
                    "names by number (EXT) are not supported: they are specific to one program",
                );
            }
            0x97 | 0x98 => return fault("out-of-band buffers are not supported"),
            unknown => return fault(&format!("unknown pickle operation {unknown:#04x}")),
        })
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Fault> {
        let left = &self.bytes[self.at..];
        match usize::try_from(length).ok().and_then(|length| left.get(..length)) {
            Some(part) => {
                self.at += part.len();
                Ok(part)
            }
            None => {
                let what = format!("{length} bytes should follow, but only {} do", left.len());
                self.cut = true;
                Err(Fault::pickle(self.at(), what))
            }
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let part = self.take(N as u64)?;
        Ok(part.try_into().expect("the slice has N bytes"))
    }

    fn short(&mut self) -> Result<u64, Fault> {
        Ok(self.array::<1>()?[0].into())
    }

    /// A length that is stored as a signed integer.
    fn signed(&mut self) -> Result<u64, Fault> {
        let at = self.at();
        u64::try_from(i32::from_le_bytes(self.array()?))
            .map_err(|_| Fault::pickle(at, "a length is negative"))
    }

    /// The rest of the line, without its end.
    fn line(&mut self) -> Result<&'a [u8], Fault> {
        let left = &self.bytes[self.at..];
        match left.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                self.at += end + 1;
                Ok(&left[..end])
            }
            None => {
                self.cut = true;
                Err(Fault::pickle(self.at(), "a line has no end"))
            }
        }
    }

    fn number(&mut self) -> Result<u64, Fault> {
        let at = self.at();
        let text = std::str::from_utf8(self.line()?).ok();
        text.and_then(|text| text.trim().parse().ok())
            .ok_or_else(|| Fault::pickle(at, "invalid number"))
    }

    fn names(&mut self) -> Result<(&'a str, &'a str), Fault> {
        let at = self.at();
        let (module, name) = (self.line()?, self.line()?);
        match (std::str::from_utf8(module), std::str::from_utf8(name)) {
            (Ok(module), Ok(name)) => Ok((module, name)),
            _ => Err(Fault::pickle(at, "a name is not UTF-8")),
        }
    }

    /// Text as Python encodes it: UTF-8, with lone surrogates as if they were characters.
    fn text(&mut self, length: u64) -> Result<Operation<'a>, Fault> {
        let at = self.at();
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Operation::Push(Value::Text(Cow::Borrowed(text)))),
            Err(_) if is_text_with_surrogates(bytes) => Ok(Operation::Push(Value::OddText)),
            Err(_) => Err(Fault::pickle(at, "a text is not UTF-8")),
        }
    }
}

/// A string of Python 2: text if it is valid UTF-8, as in `torch.load`, else bytes.
fn python_2(bytes: Cow<'_, [u8]>) -> Value<'_> {
    match bytes {
        Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(Cow::Borrowed(text)),
            Err(_) => Value::Bytes(Cow::Borrowed(bytes)),
        },
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Value::Text(Cow::Owned(text)),
            Err(error) => Value::Bytes(Cow::Owned(error.into_bytes())),
        },
    }
}

fn decimal<'a>(digits: &[u8], at: usize) -> Result<Value<'a>, Fault> {
    let text = std::str::from_utf8(digits).map(str::trim).unwrap_or_default();
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::pickle(at, "invalid integer"));
    }
    Ok(text.parse().map_or(Value::Huge, Value::Int))
}

fn two_s_complement<'a>(bytes: &[u8]) -> Value<'a> {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut value = [if negative { 0xff } else { 0 }; 16];
    match value.get_mut(..bytes.len()) {
        Some(low) => low.copy_from_slice(bytes),
        None => return Value::Huge,
    }
    Value::Int(i128::from_le_bytes(value))
}
