//! Element types that both safetensors and PyTorch have, by PyTorch's names.

use safetensors::Dtype as SafetensorsDtype;

/// An element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dtype(&'static Kind);

/// The properties of an element type.
#[derive(Debug, PartialEq, Eq)]
struct Kind {
    /// `NAME` of `torch.NAME`.
    name: &'static str,
    /// Bytes per element.
    bytes: usize,
    /// Bytes that are reversed for another byte order: half an element if it is complex.
    swapped: usize,
    safetensors: SafetensorsDtype,
    /// PyTorch's class of storages with these elements, if there is one.
    storage: Option<&'static str>,
}

const fn kind(
    name: &'static str,
    bytes: usize,
    safetensors: SafetensorsDtype,
    storage: Option<&'static str>,
) -> Kind {
    Kind { name, bytes, swapped: bytes, safetensors, storage }
}

static KINDS: [Kind; 19] = [
    kind("float32", 4, SafetensorsDtype::F32, Some("FloatStorage")),
    kind("float64", 8, SafetensorsDtype::F64, Some("DoubleStorage")),
    kind("float16", 2, SafetensorsDtype::F16, Some("HalfStorage")),
    kind("bfloat16", 2, SafetensorsDtype::BF16, Some("BFloat16Storage")),
    kind("int64", 8, SafetensorsDtype::I64, Some("LongStorage")),
    kind("int32", 4, SafetensorsDtype::I32, Some("IntStorage")),
    kind("int16", 2, SafetensorsDtype::I16, Some("ShortStorage")),
    kind("int8", 1, SafetensorsDtype::I8, Some("CharStorage")),
    kind("uint8", 1, SafetensorsDtype::U8, Some("ByteStorage")),
    kind("bool", 1, SafetensorsDtype::BOOL, Some("BoolStorage")),
    Kind {
        name: "complex64",
        bytes: 8,
        swapped: 4,
        safetensors: SafetensorsDtype::C64,
        storage: Some("ComplexFloatStorage"),
    },
    kind("uint16", 2, SafetensorsDtype::U16, None),
    kind("uint32", 4, SafetensorsDtype::U32, None),
    kind("uint64", 8, SafetensorsDtype::U64, None),
    kind("float8_e4m3fn", 1, SafetensorsDtype::F8_E4M3, None),
    kind("float8_e5m2", 1, SafetensorsDtype::F8_E5M2, None),
    kind("float8_e8m0fnu", 1, SafetensorsDtype::F8_E8M0, None),
    kind("float8_e4m3fnuz", 1, SafetensorsDtype::F8_E4M3FNUZ, None),
    kind("float8_e5m2fnuz", 1, SafetensorsDtype::F8_E5M2FNUZ, None),
];

/// Storages of unsupported elements, with bytes per element: the legacy reader needs these to find
/// the next storage.
const SKIPPED_STORAGES: [(&str, usize); 7] = [
    ("ComplexDoubleStorage", 16),
    ("ComplexHalfStorage", 4),
    ("QInt8Storage", 1),
    ("QUInt8Storage", 1),
    ("QInt32Storage", 4),
    ("QUInt4x2Storage", 1),
    ("QUInt2x4Storage", 1),
];

/// The elements of a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elements {
    /// Elements of a supported type.
    Of(Dtype),
    /// Bytes, whose type each tensor states.
    Untyped,
    /// Unsupported elements.
    Skipped {
        /// The storage's class.
        class: &'static str,
        /// Bytes per element.
        bytes: usize,
    },
}

impl Dtype {
    /// The element type with PyTorch's name, without `torch.`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        KINDS.iter().find(|kind| kind.name == name).map(Self)
    }

    /// From safetensors; `None` for types of less than a byte.
    pub(super) fn from_safetensors(safetensors: SafetensorsDtype) -> Option<Self> {
        KINDS.iter().find(|kind| kind.safetensors == safetensors).map(Self)
    }

    /// PyTorch's name, without `torch.`: `float32`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Bytes per element.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.0.bytes
    }

    /// Bytes that are reversed for another byte order.
    pub(super) fn swapped(self) -> usize {
        self.0.swapped
    }

    /// The element type in safetensors.
    pub(super) fn safetensors(self) -> SafetensorsDtype {
        self.0.safetensors
    }
}

impl Elements {
    /// The elements of a storage class.
    pub fn from_class(module: &str, class: &str) -> Option<Self> {
        match (module, class) {
            ("torch.storage" | "torch", "UntypedStorage") => Some(Self::Untyped),
            ("torch" | "torch.cuda", class) => {
                let known = KINDS.iter().find(|kind| kind.storage == Some(class));
                let skipped = || {
                    let (class, bytes) =
                        *SKIPPED_STORAGES.iter().find(|(name, _)| *name == class)?;
                    Some(Self::Skipped { class, bytes })
                };
                known.map(|kind| Self::Of(Dtype(kind))).or_else(skipped)
            }
            _ => None,
        }
    }

    /// Bytes per element.
    pub fn bytes(self) -> usize {
        match self {
            Self::Of(dtype) => dtype.bytes(),
            Self::Untyped => 1,
            Self::Skipped { bytes, .. } => bytes,
        }
    }
}
