//! Files that mean harm: nothing is executed, nothing is allocated for what is only promised, no depth
//! overflows the stack, and every name that is not known is told.

use proptest::prelude::*;
use repro::checkpoint::{Checkpoint, Fault, Inspection, MOST_OPERATIONS};

use super::{
    assembly::{Pickle, archive, legacy, of_tensor},
    fixture, folder,
    memory::peak,
    read, refusal,
};

/// Memory that reading takes, beside the file itself.
fn memory(bytes: &[u8]) -> usize {
    let held = bytes.to_vec();
    peak(|| Checkpoint::read("file", held)).1
}

#[test]
fn real_hostile_files_execute_nothing_and_their_names_are_told() {
    let mark = "executed-by-a-checkpoint";
    for container in ["zip", "legacy"] {
        for file in ["beside", "entry", "hooks"] {
            let checkpoint = read(&fixture(&format!("hostile-{file}-{container}.pt"))).unwrap();
            let skipped = Inspection::of(&checkpoint).skipped.join("\n");
            assert!(skipped.contains("posix.system"), "{file}: {skipped}");
        }
        let error = read(&fixture(&format!("hostile-tensor-{container}.pt"))).unwrap_err();
        assert!(matches!(error.fault, Fault::Opaque { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("`broken` depends on `posix.system`"), "{text}");
    }
    let here = std::env::current_dir().unwrap();
    for place in [here, folder()] {
        assert!(!place.join(mark).exists(), "a checkpoint was executed");
    }
}

/// Every way that a pickle has to name something and call it.
#[test]
fn a_call_in_any_form_is_an_opaque_object() {
    let calls: [&[u8]; 9] = [
        b"cos\nsystem\n(X\x01\x00\x00\x00xtR",
        b"(X\x01\x00\x00\x00xios\nsystem\n",
        b"(cos\nsystem\nX\x01\x00\x00\x00xo",
        b"cos\nsystem\n(X\x01\x00\x00\x00xt\x81",
        b"cos\nsystem\n(X\x01\x00\x00\x00xt}\x92",
        b"\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R",
        b"cos\nsystem\n(X\x01\x00\x00\x00xtR}b",
        b"cos\nsystem\n",
        b"cos\nsystem\n)R)R",
    ];
    for call in calls {
        let beside = Pickle::new().raw(b"}").text("model").raw(b"}").text("w").pair().raw(b"s");
        let pickle = beside.raw(b"s").text("evil").raw(call).raw(b"s").stop();
        for bytes in [archive(&pickle, &[0; 8]), legacy(&pickle, &[("0", &[0; 8])])] {
            let checkpoint = read(&bytes).unwrap();
            let skipped = checkpoint.skipped()[0].to_string();
            assert!(skipped.starts_with("evil: ") && skipped.contains("os.system"), "{skipped}");
        }
        // Called and thrown away, it is told of all the same.
        let thrown = of_tensor(|pickle| pickle.raw(call).raw(b"0").pair());
        let skipped = read(&archive(&thrown, &[0; 8])).unwrap().skipped()[0].to_string();
        assert_eq!(skipped, "elsewhere in the pickle: objects of os.system");
    }
}

#[test]
fn a_tensor_that_depends_on_something_opaque_is_an_error_wherever_that_stands() {
    let system = |pickle: Pickle| pickle.global("os", "system").raw(b")R");
    let plain =
        |pickle: Pickle| pickle.storage("FloatStorage", "0", 2).int(0).ints(&[2]).ints(&[1]);
    let begun = |pickle: Pickle| pickle.global("torch._utils", "_rebuild_tensor_v2").raw(b"(");
    let cases: Vec<Vec<u8>> = vec![
        of_tensor(|p| system(begun(p)).int(0).ints(&[2]).ints(&[1]).raw(b"\x89NtR")),
        of_tensor(|p| {
            system(begun(p).storage("FloatStorage", "0", 2)).ints(&[2]).ints(&[1]).raw(b"\x89NtR")
        }),
        of_tensor(|p| {
            system(begun(p).storage("FloatStorage", "0", 2).int(0)).ints(&[1]).raw(b"\x89NtR")
        }),
        of_tensor(|p| {
            let sizes = begun(p).storage("FloatStorage", "0", 2).int(0).raw(b"(");
            system(sizes).raw(b"t").ints(&[1]).raw(b"\x89NtR")
        }),
        of_tensor(|p| {
            system(p.global("torch._utils", "_rebuild_parameter").raw(b"(")).raw(b"\x88NtR")
        }),
        of_tensor(|p| {
            let begun = p.global("torch._utils", "_rebuild_parameter").raw(b"(");
            begun.global("os", "system").raw(b"\x88NtR")
        }),
        of_tensor(|p| {
            system(plain(p.global("torch._utils", "_rebuild_tensor_v3").raw(b"(")).raw(b"\x89N"))
                .raw(b"tR")
        }),
        of_tensor(|p| {
            let class = p.global("torch._tensor", "_rebuild_from_type_v2").raw(b"(");
            let class = class.global("torch._utils", "_rebuild_tensor_v2").global("os", "system");
            plain(class.raw(b"(")).raw(b"\x89NtNtR")
        }),
        of_tensor(|p| {
            let function = p.global("torch._tensor", "_rebuild_from_type_v2").raw(b"(");
            let function = function.global("os", "system").global("torch", "Tensor");
            plain(function.raw(b"(")).raw(b"\x89NtNtR")
        }),
        // A storage of a class that nobody knows.
        of_tensor(|p| {
            let named =
                begun(p).raw(b"(").text("storage").global("os", "system").text("0").text("cpu");
            named.int(2).raw(b"tQ").int(0).ints(&[2]).ints(&[1]).raw(b"\x89NtR")
        }),
    ];
    for (case, pickle) in cases.iter().enumerate() {
        let error = read(&archive(pickle, &[0; 8])).unwrap_err();
        assert!(matches!(error.fault, Fault::Opaque { .. }), "{case}: {error}");
        assert!(error.to_string().contains("`os.system`"), "{case}: {error}");
    }
    // Outside the network it is nobody's loss.
    let evil = begun(Pickle::new().raw(b"}").text("optimizer")).global("os", "system").raw(b"tRs");
    let pickle = evil.text("model").raw(b"}").text("w").pair().raw(b"ss").stop();
    let checkpoint = read(&archive(&pickle, &[0; 8])).unwrap();
    assert_eq!(checkpoint.tensors().len(), 1);
    assert!(checkpoint.skipped()[0].to_string().contains("os.system"));
}

#[test]
fn a_tensor_that_is_changed_after_it_was_built_is_refused() {
    for change in [&b"}b"[..], b"K\x01a", b"K\x01K\x02s"] {
        let error = refusal(&archive(&of_tensor(|p| p.pair().raw(change)), &[0; 8]));
        assert!(error.contains("`w`: it is changed after it was built"), "{error}");
    }
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
        assert_eq!(checkpoint.tensors().next().unwrap().bytes().len(), bytes, "{shape:?}");
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

/// One element that a stride of 0 repeats a million times a million times.
#[test]
fn a_view_that_repeats_its_elements_without_end_is_refused() {
    for shape in [&[1_000_000_000_000][..], &[1 << 20, 1 << 20], &[1 << 25]] {
        let strides = vec![0; shape.len()];
        let bytes = archive(&of_tensor(|p| p.tensor(2, 0, shape, &strides)), &[0; 8]);
        let error = read(&bytes).unwrap_err();
        assert!(matches!(error.fault, Fault::Bound { .. }), "{error}");
        assert!(error.to_string().contains("67108864 are the most of a file"), "{error}");
        assert!(memory(&bytes) < 200_000);
    }
    // Many that are small each come to as much.
    let mut many = Pickle::new().raw(b"}");
    for name in 0..80 {
        many = many.text(&name.to_string()).tensor(2, 0, &[1 << 18], &[0]).raw(b"s");
    }
    let error = read(&archive(&many.stop(), &[0; 8])).unwrap_err();
    assert!(matches!(error.fault, Fault::Bound { .. }), "{error}");
    // Up to the bound it is a tensor as any other.
    let bytes = archive(&of_tensor(|p| p.tensor(2, 0, &[1 << 20], &[0])), &[7; 8]);
    let checkpoint = read(&bytes).unwrap();
    assert_eq!(*checkpoint.tensors().next().unwrap().bytes(), vec![7; 4 << 20]);
}

/// A list of ten of the last list, nine times over: a billion, were they ever written out.
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
    // The lists that were built on the way lie on the stack; the last one is the entry's.
    let pickle = pickle.raw(b"0000000000").raw(b"h\x09").raw(b"s").stop();
    let bytes = archive(&pickle, &[0; 8]);
    assert!(memory(&bytes) < 200_000);
    assert_eq!(read(&bytes).unwrap().skipped()[0].to_string(), "laughs: 1 number");
    // A long text that thousands of names are made of.
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
fn depth_overflows_no_stack_and_cycles_end() {
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
    assert!(error.contains("more than 8 calls lie around it"), "{error}");
    // A parameter that is its own data, and a state dict that is its own.
    let own = of_tensor(|p| p.global("torch._utils", "_rebuild_parameter").raw(b"(]q\x00h\x00atR"));
    assert!(refusal(&archive(&own, &[])).contains("`w`"));
    let own = b"\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s.";
    assert!(refusal(&archive(own, &[])).contains("no named tensors"));
}

/// Each operation for the least bytes, up to the bound and beyond.
#[test]
fn memory_is_bounded_by_the_bytes_and_by_operations() {
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
        let some = 40_000 / again.len();
        let bytes = archive(&Pickle::new().raw(begin).raw(&again.repeat(some)).0, &[]);
        let memory_of_some = memory(&bytes);
        assert!(memory_of_some < 250 * bytes.len() + 100_000, "{again:?}: {memory_of_some}");
        let many = again.repeat(2 * MOST_OPERATIONS / again.len());
        let bytes = archive(&Pickle::new().raw(begin).raw(&many).0, &[]);
        let error = refusal(&bytes);
        assert!(error.contains("more than 1048576 operations"), "{again:?}: {error}");
        let memory_of_many = memory(&bytes);
        assert!(memory_of_many < 250 << 20, "{again:?}: {memory_of_many}");
    }
}

#[test]
fn lengths_beyond_the_file_cost_nothing() {
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
    // A memo of a number that nobody can count to.
    let memo =
        of_tensor(|p| p.pair().raw(b"r\xff\xff\xff\xffj\xff\xff\xff\xff0p18446744073709551615\n"));
    assert!(read(&archive(&memo, &[0; 8])).is_ok());
    assert!(memory(&archive(&memo, &[0; 8])) < 100_000);
    // safetensors: a header, and a tensor, as long as can be said.
    for header in [&b"\xff\xff\xff\x00\0\0\0\0{"[..], b"\x02\0\0\0\0\0\0\0{"] {
        assert!(refusal(header).contains("the safetensors header"));
    }
    let text = br#"{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#;
    let file = [&(text.len() as u64).to_le_bytes()[..], text, &[0; 4]].concat();
    assert!(refusal(&file).contains("the safetensors header"));
}

#[test]
fn broken_operations_are_errors_with_their_place() {
    for (broken, what) in [
        (&b"R"[..], "offset 40: the stack is empty"),
        (b"0", "there is nothing to pop"),
        (b"t", "there is no mark"),
        (b"h\x07", "nothing was remembered as 7"),
        (b"\xff", "0xff is no operation of a pickle"),
        (b"\x80\x06", "its protocol is none of 0 to 5"),
        (b"\x82\x01", "names by number (EXT)"),
        (b"\x97", "a buffer is kept outside the file"),
        (b"I1x\n", "that is no integer"),
        (b"Fx\n", "that is no number"),
        (b"S'x\n", "a string's quotes or escapes are broken"),
        (b"V\\u12\n", "a text's escapes are broken"),
        (b"X\x01\x00\x00\x00\xff", "a text is no UTF-8"),
        (b"c\xff\nx\n", "a name is no UTF-8"),
        (b"I1", "a line does not end"),
        (b"(Nd", "a key has no value"),
        (b"NK\x01a", "nothing can be appended to None"),
        (b")K\x01K\x02s", "a tuple has no keys to set"),
        (b"N}b", "None takes no state"),
        (b"K\x01K\x02\x93", "a name is no text"),
        (b"(o", "there is no class under the mark's values"),
        (b"N(\x85", "the stack is too short"),
        (b"](K\x01\x90", "a list has no elements to add to"),
    ] {
        let error = refusal(&archive(&[broken, b"N."].concat(), &[]));
        assert!(error.contains(what) && error.contains("offset "), "{broken:?}: {error}");
    }
}

#[test]
fn a_key_that_is_there_twice_is_refused() {
    let pickle = of_tensor(|p| p.pair().raw(b"s").text("w").pair());
    let error = refusal(&archive(&pickle, &[0; 8]));
    assert!(error.contains("key `w`: it is there twice"), "{error}");
}

#[test]
fn names_can_t_write_to_a_terminal() {
    let name = "\u{1b}]0;evil\u{7}\u{202e}w";
    let pickle = Pickle::new().raw(b"}").text(name).pair().raw(b"s");
    let evil = pickle.text("\u{1b}[2J").global("o\u{1b}s", "system").raw(b"s").stop();
    let checkpoint = read(&archive(&evil, &[0; 8])).unwrap();
    let tensor = checkpoint.tensors().next().unwrap();
    assert_eq!(tensor.name(), name);
    assert_eq!(tensor.shown_name(), "\u{fffd}]0;evil\u{fffd}\u{fffd}w");
    let line = checkpoint.skipped()[0].to_string();
    assert_eq!(line, "\u{fffd}[2J: objects of o\u{fffd}s.system");
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
        let _ = read(&archive(&bytes, &bytes));
        let _ = read(&legacy(&bytes, &[("0", &bytes)]));
        let header = [&(bytes.len() as u64).to_le_bytes()[..], b"{", &bytes].concat();
        let _ = read(&header);
    }

    #[test]
    fn a_view_has_the_elements_that_its_strides_say(
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
            prop_assert_eq!(&*tensor.bytes(), &expected);
        } else {
            prop_assert!(read.is_err());
        }
    }
}
