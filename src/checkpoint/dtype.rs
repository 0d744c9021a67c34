//! Kinds of elements: those that safetensors and PyTorch both have, by PyTorch's names.

use safetensors::Dtype as Held;

/// A kind of element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dtype(&'static Kind);

/// What is known of a kind.
#[derive(Debug, PartialEq, Eq)]
struct Kind {
    /// As `torch.<name>`.
    name: &'static str,
    /// Bytes an element.
    bytes: usize,
    /// Bytes that a byte order is about: half an element where it is complex.
    ordered: usize,
    held: Held,
    /// The class of PyTorch's storages of it, where there is one.
    storage: Option<&'static str>,
}

const fn kind(name: &'static str, bytes: usize, held: Held, storage: Option<&'static str>) -> Kind {
    Kind { name, bytes, ordered: bytes, held, storage }
}

static KINDS: [Kind; 19] = [
    kind("float32", 4, Held::F32, Some("FloatStorage")),
    kind("float64", 8, Held::F64, Some("DoubleStorage")),
    kind("float16", 2, Held::F16, Some("HalfStorage")),
    kind("bfloat16", 2, Held::BF16, Some("BFloat16Storage")),
    kind("int64", 8, Held::I64, Some("LongStorage")),
    kind("int32", 4, Held::I32, Some("IntStorage")),
    kind("int16", 2, Held::I16, Some("ShortStorage")),
    kind("int8", 1, Held::I8, Some("CharStorage")),
    kind("uint8", 1, Held::U8, Some("ByteStorage")),
    kind("bool", 1, Held::BOOL, Some("BoolStorage")),
    Kind {
        name: "complex64",
        bytes: 8,
        ordered: 4,
        held: Held::C64,
        storage: Some("ComplexFloatStorage"),
    },
    kind("uint16", 2, Held::U16, None),
    kind("uint32", 4, Held::U32, None),
    kind("uint64", 8, Held::U64, None),
    kind("float8_e4m3fn", 1, Held::F8_E4M3, None),
    kind("float8_e5m2", 1, Held::F8_E5M2, None),
    kind("float8_e8m0fnu", 1, Held::F8_E8M0, None),
    kind("float8_e4m3fnuz", 1, Held::F8_E4M3FNUZ, None),
    kind("float8_e5m2fnuz", 1, Held::F8_E5M2FNUZ, None),
];

/// Storages whose elements are not read, with the bytes of one: they must be passed over to get to
/// what lies behind them.
const PASSED_OVER: [(&str, usize); 7] = [
    ("ComplexDoubleStorage", 16),
    ("ComplexHalfStorage", 4),
    ("QInt8Storage", 1),
    ("QUInt8Storage", 1),
    ("QInt32Storage", 4),
    ("QUInt4x2Storage", 1),
    ("QUInt2x4Storage", 1),
];

/// What a storage holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elements {
    /// Elements of a kind.
    Of(Dtype),
    /// Bytes, of whatever kind a tensor says.
    Untyped,
    /// Elements that are not read.
    PassedOver {
        /// The storage's class.
        class: &'static str,
        /// Bytes an element.
        bytes: usize,
    },
}

impl Dtype {
    /// By PyTorch's name, without `torch.`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        KINDS.iter().find(|kind| kind.name == name).map(Self)
    }

    /// By safetensors' name; `None` for kinds of less than a byte.
    pub(super) fn held_as(held: Held) -> Option<Self> {
        KINDS.iter().find(|kind| kind.held == held).map(Self)
    }

    /// PyTorch's name, without `torch.`: `float32`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Bytes an element.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.0.bytes
    }

    /// Bytes that a byte order is about.
    pub(super) fn ordered(self) -> usize {
        self.0.ordered
    }

    pub(super) fn held(self) -> Held {
        self.0.held
    }
}

impl Elements {
    /// By the name of a storage's class.
    pub fn of_class(module: &str, class: &str) -> Option<Self> {
        match (module, class) {
            ("torch.storage" | "torch", "UntypedStorage") => Some(Self::Untyped),
            ("torch" | "torch.cuda", class) => {
                let known = KINDS.iter().find(|kind| kind.storage == Some(class));
                let passed = || {
                    let passed = PASSED_OVER.iter().find(|(passed, _)| *passed == class)?;
                    Some(Self::PassedOver { class: passed.0, bytes: passed.1 })
                };
                known.map(|kind| Self::Of(Dtype(kind))).or_else(passed)
            }
            _ => None,
        }
    }

    /// Bytes an element.
    pub fn bytes(self) -> usize {
        match self {
            Self::Of(dtype) => dtype.bytes(),
            Self::Untyped => 1,
            Self::PassedOver { bytes, .. } => bytes,
        }
    }
}
