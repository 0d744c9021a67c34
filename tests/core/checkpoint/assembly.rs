//! Checkpoints assembled by hand, for contents that no program writes.

/// A pickle under construction.
#[derive(Clone, Default)]
pub struct Pickle(pub Vec<u8>);

impl Pickle {
    pub fn new() -> Self {
        Self(b"\x80\x02".to_vec())
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    /// A LONG1.
    pub fn int(self, value: i128) -> Self {
        self.raw(&[0x8a, 16]).raw(&value.to_le_bytes())
    }

    pub fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    pub fn ints(mut self, values: &[i128]) -> Self {
        self = self.raw(b"(");
        for value in values {
            self = self.int(*value);
        }
        self.raw(b"t")
    }

    /// A storage's persistent id.
    pub fn storage(self, class: &str, key: &str, count: i128) -> Self {
        let named = self.raw(b"(").text("storage").global("torch", class).text(key).text("cpu");
        named.int(count).raw(b"tQ")
    }

    /// A call of `_rebuild_tensor_v2` on the storage `0` of floats.
    pub fn tensor(self, count: i128, offset: i128, shape: &[i128], strides: &[i128]) -> Self {
        let begun = self.global("torch._utils", "_rebuild_tensor_v2").raw(b"(");
        let stored = begun.storage("FloatStorage", "0", count).int(offset);
        stored.ints(shape).ints(strides).raw(b"\x89NtR")
    }

    /// A tensor of two floats.
    pub fn pair(self) -> Self {
        self.tensor(2, 0, &[2], &[1])
    }

    pub fn stop(self) -> Vec<u8> {
        self.raw(b".").0
    }
}

/// A state dict of one tensor `w`, assembled by hand.
pub fn of_tensor(build: impl FnOnce(Pickle) -> Pickle) -> Vec<u8> {
    build(Pickle::new().raw(b"}").text("w")).raw(b"s").stop()
}

/// Entries stored in a zip archive.
pub fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut directory = Vec::new();
    for (name, held) in entries {
        let (sum, length) =
            (crc32fast::hash(held).to_le_bytes(), (held.len() as u32).to_le_bytes());
        let about = [
            // Version, flags, method, time, date.
            &[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x58][..],
            &sum,
            &length,
            &length,
            &(name.len() as u16).to_le_bytes(),
            // No extra field.
            &[0, 0],
        ]
        .concat();
        let offset = (file.len() as u32).to_le_bytes();
        file.extend([b"PK\x03\x04", &about[..], name.as_bytes(), held].concat());
        let more = [&[0; 10][..], &offset, name.as_bytes()].concat();
        directory.extend([b"PK\x01\x02\x14\0", &about[..], &more].concat());
    }
    let count = (entries.len() as u16).to_le_bytes();
    let (size, offset) =
        ((directory.len() as u32).to_le_bytes(), (file.len() as u32).to_le_bytes());
    [&file, &directory, &b"PK\x05\x06\0\0\0\0"[..], &count, &count, &size, &offset, &[0, 0]]
        .concat()
}

/// PyTorch's zip format around a pickle and its storage `0`.
pub fn archive(pickle: &[u8], storage: &[u8]) -> Vec<u8> {
    zip(&[("a/data.pkl", pickle), ("a/data/0", storage), ("a/version", b"3\n")])
}

/// The legacy format around a pickle and its storages, whose elements have four bytes.
pub fn legacy(pickle: &[u8], storages: &[(&str, &[u8])]) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.";
    let machine = b"\x80\x02M\xe9\x03.\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.";
    let keys =
        storages.iter().fold(Pickle::new().raw(b"]"), |keys, (key, _)| keys.text(key).raw(b"a"));
    let mut file = [magic, &machine[..], pickle, &keys.stop()].concat();
    for (_, held) in storages {
        file.extend((held.len() as u64 / 4).to_le_bytes());
        file.extend(*held);
    }
    file
}

/// The file of a fuzzer's input: its first byte selects the format of the rest.
pub fn of_input(input: &[u8]) -> Vec<u8> {
    let Some((how, rest)) = input.split_first() else { return Vec::new() };
    let storage: Vec<u8> = (0..64).collect();
    match how % 5 {
        0 => rest.to_vec(),
        1 => archive(rest, &storage),
        2 => legacy(rest, &[("0", &storage)]),
        // safetensors, with half of the input as the header.
        3 => [&(rest.len() as u64 / 2).to_le_bytes(), rest].concat(),
        _ => zip(&[
            ("a/data.pkl", rest),
            ("a/byteorder", b"big"),
            ("a/data/0", &storage[..8]),
            ("a/data/1", &storage[..8]),
            ("a/data/2", &storage[..24]),
        ]),
    }
}
