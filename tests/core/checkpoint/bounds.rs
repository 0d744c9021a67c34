//! Limits of the readers: stated sizes allocate no memory, nesting overflows no stack, and output
//! that could grow without bound is counted first.

use proptest::prelude::*;
use repro::checkpoint::{Checkpoint, Fault, Inspection, MAX_OPERATIONS, write_safetensors};

use super::{
    assembly::{Pickle, archive, legacy, of_tensor, zip},
    fixture,
    memory::peak,
    read, refusal,
};

/// The memory that reading takes, without the file itself.
fn memory(bytes: &[u8]) -> usize {
    let held = bytes.to_vec();
    peak(|| Checkpoint::read("file", held)).1
}

#[test]
fn sizes_strides_and_offsets_beyond_the_storage_are_refused_whatever_overflows() {
    let (most, u64_most) = (i128::from(i64::MAX), i128::from(u64::MAX));
    for (offset, shape, strides) in [
        (1, &[2][..], &[1][..]),
        (0, &[3], &[1]),
        (0, &[2], &[2]),
        (0, &[2, 2], &[1, 1 << 62]),
        (0, &[most], &[1]),
        (0, &[most, most], &[0, 0]),
        (0, &[u64_most; 64], &[0; 64]),
        (most, &[1], &[1]),
        (u64_most, &[1], &[1]),
        (0, &[2], &[u64_most]),
        (-1, &[1], &[1]),
        (0, &[-1], &[1]),
        (0, &[1], &[-1]),
        (0, &[i128::MAX], &[1]),
        (0, &[i128::MIN], &[1]),
        (0, &[2], &[]),
        (2, &[], &[]),
        (0, &[1; 65], &[1; 65]),
    ] {
        let bytes = archive(&of_tensor(|p| p.tensor(2, offset, shape, strides)), &[0; 8]);
        let error = refusal(&bytes);
        assert!(error.contains("tensor `w`"), "{error}");
        assert!(memory(&bytes) < 200_000, "{offset} {shape:?} {strides:?}");
    }
    for (offset, shape, strides, bytes) in [
        (0, &[2][..], &[1][..], 8),
        (1, &[], &[], 4),
        (0, &[0, most], &[most, 1], 0),
        (most, &[0], &[1], 0),
        (0, &[1, 2, 1], &[most, 1, most], 8),
        (0, &[2, 2], &[0, 1], 16),
        (0, &[1; 64], &[0; 64], 4),
    ] {
        let file = archive(&of_tensor(|p| p.tensor(2, offset, shape, strides)), &[0; 8]);
        let checkpoint = read(&file).unwrap();
        assert_eq!(checkpoint.tensors().next().unwrap().bytes().unwrap().len(), bytes, "{shape:?}");
    }
}

/// Tensors are read from the file once, however many names a storage has.
#[test]
fn a_storage_shared_by_many_names_is_loaded_once() {
    let floats = 1 << 20;
    let mut pickle = Pickle::new().raw(b"}");
    for name in 0..10 {
        let named = pickle.text(&format!("w{name}"));
        pickle = named.tensor(floats, name, &[floats - name], &[1]).raw(b"s");
    }
    let (pickle, storage) = (pickle.stop(), vec![7; 4 << 20]);
    for bytes in [archive(&pickle, &storage), legacy(&pickle, &[("0", &storage)])] {
        assert!(memory(&bytes) < 200_000, "{}", memory(&bytes));
        let checkpoint = read(&bytes).unwrap();
        let (lengths, took) = peak(|| {
            checkpoint.tensors().map(|tensor| tensor.bytes().unwrap().len()).collect::<Vec<usize>>()
        });
        assert_eq!((lengths.len(), lengths[9]), (10, (4 << 20) - 4 * 9));
        assert!(took < 200_000, "{took}");
    }
}

#[test]
fn storages_of_impossible_sizes_are_refused() {
    for count in [-1, i128::from(u64::MAX), i128::from(i64::MAX), i128::MAX, 1 << 62] {
        let pickle = of_tensor(|p| p.tensor(count, 0, &[2], &[1]));
        for bytes in [archive(&pickle, &[0; 8]), legacy(&pickle, &[("0", &[0; 8])])] {
            let error = refusal(&bytes);
            assert!(error.contains("storage"), "{error}");
            assert!(memory(&bytes) < 200_000);
        }
    }
}

#[test]
fn a_part_outside_its_storage_is_refused() {
    let u64_most = i128::from(u64::MAX);
    let of_part = |offset: i128, count: i128, key: &str| {
        of_tensor(|p| {
            let named = p.global("torch._utils", "_rebuild_tensor_v2").raw(b"((").text("storage");
            let named = named.global("torch", "FloatStorage").text(key).text("cpu").int(4);
            let part = named.raw(b"(").text("part").int(offset).int(count).raw(b"ttQ");
            part.int(0).ints(&[2]).ints(&[1]).raw(b"\x89NtR")
        })
    };
    let bytes: Vec<u8> = (0..16).collect();
    let checkpoint = read(&legacy(&of_part(1, 2, "0"), &[("0", &bytes)])).unwrap();
    assert_eq!(*checkpoint.tensors().next().unwrap().bytes().unwrap(), bytes[4..12]);
    for (offset, count) in [(3, 2), (0, 5), (u64_most, 2), (2, u64_most), (-1, 2), (0, -1)] {
        let error = refusal(&legacy(&of_part(offset, count, "0"), &[("0", &bytes)]));
        assert!(error.contains("part"), "{offset} {count}: {error}");
    }
    let long = "0".repeat(300);
    let error = refusal(&legacy(&of_part(1, 2, &long), &[(&long, &bytes)]));
    assert!(error.contains("the key of a storage is no text, or too long"), "{error}");
}

/// One element that a stride of 0 repeats 10^12 times.
#[test]
fn a_view_that_repeats_its_elements_too_often_is_refused() {
    for shape in [&[1_000_000_000_000][..], &[1 << 20, 1 << 20], &[1 << 25]] {
        let strides = vec![0; shape.len()];
        let bytes = archive(&of_tensor(|p| p.tensor(2, 0, shape, &strides)), &[0; 8]);
        let error = read(&bytes).unwrap_err();
        assert!(matches!(error.fault, Fault::Bound { .. }), "{error}");
        assert!(error.to_string().contains("the limit of 67108864"), "{error}");
        assert!(memory(&bytes) < 200_000);
    }
    // Many small views have the same total.
    let mut many = Pickle::new().raw(b"}");
    for name in 0..80 {
        many = many.text(&name.to_string()).tensor(2, 0, &[1 << 18], &[0]).raw(b"s");
    }
    let error = read(&archive(&many.stop(), &[0; 8])).unwrap_err();
    assert!(matches!(error.fault, Fault::Bound { .. }), "{error}");
    // Up to the limit it is a normal tensor.
    let bytes = archive(&of_tensor(|p| p.tensor(2, 0, &[1 << 20], &[0])), &[7; 8]);
    let checkpoint = read(&bytes).unwrap();
    assert_eq!(*checkpoint.tensors().next().unwrap().bytes().unwrap(), vec![7; 4 << 20]);
}

/// A list of ten references to the last list, nine times nested: a billion entries if written out.
#[test]
fn billion_laughs_are_counted_once() {
    let mut pickle = Pickle::new().raw(b"}").text("model").raw(b"}").text("w").pair().raw(b"ss");
    pickle = pickle.text("laughs").raw(b"]K\x01aq\x00");
    for level in 1..=9_u8 {
        pickle = pickle.raw(b"](");
        for _ in 0..10 {
            pickle = pickle.raw(&[b'h', level - 1]);
        }
        pickle = pickle.raw(&[b'e', b'q', level]);
    }
    // The intermediate lists stay on the stack; the last one is the entry.
    let pickle = pickle.raw(b"0000000000").raw(b"h\x09").raw(b"s").stop();
    let bytes = archive(&pickle, &[0; 8]);
    assert!(memory(&bytes) < 200_000);
    assert_eq!(read(&bytes).unwrap().skipped()[0].to_string(), "laughs: 1 number");
    // A long text that is part of thousands of names.
    let bytes = archive(
        &of_tensor(|p| {
            let text = p.text(&"x".repeat(100_000)).raw(b"q\x000");
            text.raw(&b"h\x00h\x00\x930".repeat(2_000)).pair()
        }),
        &[0; 8],
    );
    assert!(memory(&bytes) < 2_000_000, "{}", memory(&bytes));
    assert_eq!(read(&bytes).unwrap().skipped().len(), 1);
}

#[test]
fn deep_nesting_overflows_no_stack_and_cycles_end() {
    const DEPTH: usize = 300_000;
    let open = |pickle: Pickle, deep: &[u8]| {
        let pickle = pickle.raw(b"}").text("model").raw(b"}").text("w").pair().raw(b"s");
        pickle.raw(b"s").text("deep").raw(deep).raw(b"s").stop()
    };
    let lists = [vec![b']'; DEPTH], vec![b'a'; DEPTH - 1]].concat();
    let tuples = [vec![b')'], vec![0x85; DEPTH]].concat();
    let calls = [b"cos\nsystem\n".to_vec(), b")R".repeat(DEPTH)].concat();
    let persistent = [vec![b')'], vec![b'Q'; DEPTH]].concat();
    let states = [b"cos\nsystem\n)R".repeat(DEPTH / 10), vec![b'b'; DEPTH / 10 - 1]].concat();
    let cycle = b"]q\x00h\x00a".to_vec();
    let dict = b"}q\x00h\x00h\x00s".to_vec();
    let object = b"cos\nsystem\n)Rq\x00h\x00b".to_vec();
    for deep in [lists, tuples, calls, persistent, states, cycle, dict, object] {
        let bytes = archive(&open(Pickle::new(), &deep), &[0; 8]);
        let checkpoint = read(&bytes).unwrap_or_else(|error| panic!("{error}"));
        assert!(checkpoint.skipped()[0].to_string().starts_with("deep: "));
    }
    // Parameters of parameters of parameters.
    let begun = Pickle::new().raw(b"}").text("w");
    let nested = b"ctorch._utils\n_rebuild_parameter\n(".repeat(1000);
    let pickle = begun.raw(&nested).pair().raw(&b"\x88NtR".repeat(1000)).raw(b"s").stop();
    let error = refusal(&archive(&pickle, &[0; 8]));
    assert!(error.contains("more than 8 nested calls"), "{error}");
    // A parameter that is its own data, and a state dict that contains itself.
    let own = of_tensor(|p| p.global("torch._utils", "_rebuild_parameter").raw(b"(]q\x00h\x00atR"));
    assert!(refusal(&archive(&own, &[])).contains("`w`"));
    let own = b"\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s.";
    assert!(refusal(&archive(own, &[])).contains("no named tensors"));
}

/// Each operation in the fewest bytes: memory grows with the file alone.
#[test]
fn memory_is_bounded_by_the_bytes_of_a_pickle() {
    let shapes: [(&[u8], &[u8]); 9] = [
        (b"", b"N"),
        (b"", b"]"),
        (b"", b")"),
        (b"", b"("),
        (b"N", b"2"),
        (b"cos\nsystem\n", b")R"),
        (b"N", b"\x94"),
        (b"N", b"Q"),
        (b"]", b"Na"),
    ];
    for (begin, again) in shapes {
        for size in [40_000, 1 << 20] {
            let bytes =
                archive(&Pickle::new().raw(begin).raw(&again.repeat(size / again.len())).0, &[]);
            let (error, memory) = (refusal(&bytes), memory(&bytes));
            assert!(error.contains("offset "), "{again:?}: {error}");
            assert!(memory < 250 * bytes.len() + 100_000, "{again:?}: {memory}");
        }
    }
}

/// A number or a path for each of ImageNet's 1,281,167 training images, as data sets and samplers
/// keep them in checkpoints.
#[test]
fn a_long_history_beside_the_network_is_read() {
    let images = 1_281_167;
    let numbers: Vec<u8> =
        (0..images).flat_map(|image: u32| [&b"J"[..], &image.to_le_bytes()].concat()).collect();
    let path = [b"X\x21\x00\x00\x00", &b"n01440764/n01440764_10026_abc.JPEG"[..33]].concat();
    for (history, what) in
        [(numbers, "1281167 numbers"), (path.repeat(images as usize), "1281167 texts")]
    {
        let beside = Pickle::new().raw(b"}").text("model").raw(b"}").text("w").pair().raw(b"ss");
        let pickle = beside.text("seen").raw(b"](").raw(&history).raw(b"es").stop();
        for bytes in [archive(&pickle, &[0; 8]), legacy(&pickle, &[("0", &[0; 8])])] {
            let (checkpoint, memory) = (read(&bytes).unwrap(), memory(&bytes));
            assert_eq!(checkpoint.skipped()[0].to_string(), format!("seen: {what}"));
            assert!(memory < 50 * bytes.len(), "{memory} for {}", bytes.len());
        }
    }
    assert!(images as usize * 2 < MAX_OPERATIONS);
}

#[test]
fn lengths_beyond_the_file_allocate_nothing() {
    let lengths: [&[u8]; 12] = [
        b"X\xff\xff\xff\xff",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"T\xff\xff\xff\x7f",
        b"T\xff\xff\xff\xff",
        b"B\xff\xff\xff\xff",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x96\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x8b\xff\xff\xff\x7f",
        b"\x8b\xff\xff\xff\xff",
        b"\x95\xff\xff\xff\xff\xff\xff\xff\xff",
        b"U\xff",
    ];
    for length in lengths {
        let bytes = archive(&Pickle::new().raw(length).stop(), &[]);
        let error = refusal(&bytes);
        assert!(error.contains("offset "), "{error}");
        assert!(memory(&bytes) < 100_000, "{length:?}");
    }
    // A memo index that is too large.
    let memo =
        of_tensor(|p| p.pair().raw(b"r\xff\xff\xff\xffj\xff\xff\xff\xff0p18446744073709551615\n"));
    assert!(read(&archive(&memo, &[0; 8])).is_ok());
    assert!(memory(&archive(&memo, &[0; 8])) < 100_000);
    // safetensors: a header and a tensor of the maximum length.
    for header in [&b"\xff\xff\xff\x00\0\0\0\0{"[..], b"\x02\0\0\0\0\0\0\0{"] {
        assert!(refusal(header).contains("the safetensors header"));
    }
    let text = br#"{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#;
    let file = [&(text.len() as u64).to_le_bytes()[..], text, &[0; 4]].concat();
    assert!(refusal(&file).contains("the safetensors header"));
}

/// Files of any size are read by seeking.
#[test]
fn a_file_takes_the_memory_of_one_tensor_whatever_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.pt");
    std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let (opened, memory) = peak(|| Checkpoint::open(&path));
    assert!(matches!(opened.unwrap_err().fault, Fault::Foreign { .. }));
    assert!(memory < 100_000, "{memory}");
    let (count, floats) = (16, 1 << 18);
    let storage = vec![1; 4 * floats * count];
    let mut pickle = Pickle::new().raw(b"}");
    for at in 0..count {
        let (offset, size) = ((at * floats) as i128, floats as i128);
        let named = pickle.text(&format!("w{at}"));
        pickle = named.tensor(count as i128 * size, offset, &[size], &[1]).raw(b"s");
    }
    let pickle = pickle.stop();
    let mut safetensors = Vec::new();
    write_safetensors(&read(&archive(&pickle, &storage)).unwrap(), &mut safetensors).unwrap();
    for bytes in [archive(&pickle, &storage), legacy(&pickle, &[("0", &storage)]), safetensors] {
        std::fs::write(&path, &bytes).unwrap();
        let (inspected, memory) =
            peak(|| Inspection::new(&Checkpoint::open(&path).unwrap()).unwrap());
        assert_eq!(inspected.tensors.len(), count);
        assert!(memory < 2 * 4 * floats, "{memory} for a file of {}", bytes.len());
        let (written, memory) = peak(|| {
            write_safetensors(&Checkpoint::open(&path).unwrap(), &mut std::io::sink()).unwrap();
        });
        assert!(memory < 2 * 4 * floats, "{written:?} {memory}");
    }
    // A file that becomes shorter while it is used is an error, not other values.
    let checkpoint = Checkpoint::open(&path).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_len(1000).unwrap();
    let error = Inspection::new(&checkpoint).unwrap_err();
    assert!(matches!(error.fault, Fault::Io { .. }), "{error}");
}

/// Entries that share one megabyte would be read a thousand times.
#[test]
fn overlapping_entries_of_an_archive_are_refused() {
    let mut file = zip(&[("a/data.pkl", &of_tensor(Pickle::pair)), ("a/data/0", &[0; 8])]);
    let directory = file.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let end = file.windows(4).position(|window| window == b"PK\x05\x06").unwrap();
    // The first entry again, under other names of its length.
    let record = file[directory..directory + 46 + "a/data.pkl".len()].to_vec();
    let mut more = Vec::new();
    for digit in b'0'..=b'9' {
        let mut record = record.clone();
        *record.last_mut().unwrap() = digit;
        more.extend(record);
    }
    let count = 12_u16.to_le_bytes();
    file[end + 8..end + 10].copy_from_slice(&count);
    file[end + 10..end + 12].copy_from_slice(&count);
    let size = ((end - directory + more.len()) as u32).to_le_bytes();
    file[end + 12..end + 16].copy_from_slice(&size);
    file.splice(end..end, more);
    let error = refusal(&file);
    assert!(error.contains("its entries overlap"), "{error}");
    assert!(read(&fixture("plain-zip.pt")).is_ok());
}

proptest! {
    #[test]
    fn a_view_has_the_elements_of_its_strides(
        shape in prop::collection::vec(0..4_usize, 0..4),
        strides in prop::collection::vec(0..5_usize, 4),
        offset in 0..10_usize,
    ) {
        let strides = &strides[..shape.len()];
        let storage: Vec<u8> = (0..40_u32).flat_map(u32::to_le_bytes).collect();
        let wide = |values: &[usize]| values.iter().map(|value| *value as i128).collect::<Vec<_>>();
        let pickle =
            of_tensor(|p| p.tensor(40, offset as i128, &wide(&shape), &wide(strides)));
        let last = shape.iter().zip(strides).fold(offset, |last, (size, stride)| {
            last + size.saturating_sub(1) * stride
        });
        let read = read(&archive(&pickle, &storage));
        if shape.contains(&0) || last < 40 {
            let checkpoint = read.unwrap();
            let tensor = checkpoint.tensors().next().unwrap();
            let mut expected = vec![];
            let count: usize = shape.iter().product();
            for mut index in 0..count {
                let mut at = offset;
                for (size, stride) in shape.iter().zip(strides).rev() {
                    at += index % size * stride;
                    index /= size;
                }
                expected.extend((at as u32).to_le_bytes());
            }
            prop_assert_eq!(&*tensor.bytes().unwrap(), &expected);
        } else {
            prop_assert!(read.is_err());
        }
    }
}
