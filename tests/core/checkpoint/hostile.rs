//! Hostile files: nothing is executed, and every unknown name is reported.

use proptest::prelude::*;
use repro::checkpoint::{Fault, Inspection};

use super::{
    assembly::{Pickle, archive, legacy, of_tensor},
    fixture, folder, read, refusal,
};

#[test]
fn real_hostile_files_execute_nothing_and_their_calls_are_reported() {
    let mark = "executed-by-a-checkpoint";
    for container in ["zip", "legacy"] {
        for file in ["beside", "entry", "hooks"] {
            let checkpoint = read(&fixture(&format!("hostile-{file}-{container}.pt"))).unwrap();
            let skipped = Inspection::new(&checkpoint).unwrap().skipped.join("\n");
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

/// Every way in which a pickle can name an object and call it.
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
        // A call whose result is discarded is reported as well.
        let thrown = of_tensor(|pickle| pickle.raw(call).raw(b"0").pair());
        let skipped = read(&archive(&thrown, &[0; 8])).unwrap().skipped()[0].to_string();
        assert_eq!(skipped, "elsewhere in the pickle: objects of os.system");
    }
}

#[test]
fn a_tensor_that_depends_on_an_opaque_object_is_an_error() {
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
        // A storage of an unknown class.
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
    // Outside the network it is no error.
    let evil = begun(Pickle::new().raw(b"}").text("optimizer")).global("os", "system").raw(b"tRs");
    let pickle = evil.text("model").raw(b"}").text("w").pair().raw(b"ss").stop();
    let checkpoint = read(&archive(&pickle, &[0; 8])).unwrap();
    assert_eq!(checkpoint.tensors().len(), 1);
    assert!(checkpoint.skipped()[0].to_string().contains("os.system"));
}

#[test]
fn a_tensor_changed_after_it_was_built_is_refused() {
    for change in [&b"}b"[..], b"K\x01a", b"K\x01K\x02s"] {
        let error = refusal(&archive(&of_tensor(|p| p.pair().raw(change)), &[0; 8]));
        assert!(error.contains("`w`: it is changed after it is built"), "{error}");
    }
}

#[test]
fn broken_operations_are_errors_with_their_offset() {
    for (broken, what) in [
        (&b"R"[..], "offset 40: the stack is empty"),
        (b"0", "the stack is empty"),
        (b"t", "the stack has no mark"),
        (b"h\x07", "the memo has no 7"),
        (b"\xff", "unknown pickle operation 0xff"),
        (b"\x80\x06", "the protocol is not one of 0 to 5"),
        (b"\x82\x01", "names by number (EXT)"),
        (b"\x97", "out-of-band buffers are not supported"),
        (b"I1x\n", "invalid integer"),
        (b"Fx\n", "invalid number"),
        (b"S'x\n", "invalid quotes or escapes in a string"),
        (b"V\\u12\n", "invalid escapes in a text"),
        (b"X\x01\x00\x00\x00\xff", "a text is not UTF-8"),
        (b"c\xff\nx\n", "a name is not UTF-8"),
        (b"I1", "a line has no end"),
        (b"(Nd", "a key has no value"),
        (b"NK\x01a", "nothing can be appended to None"),
        (b")K\x01K\x02s", "a tuple has no keys to set"),
        (b"N}b", "None takes no state"),
        (b"K\x01K\x02\x93", "a name is no text"),
        (b"(o", "an object has no class"),
        (b"N(\x85", "the stack is too short"),
        (b"](K\x01\x90", "a list has no elements to add to"),
    ] {
        let error = refusal(&archive(&[broken, b"N."].concat(), &[]));
        assert!(error.contains(what) && error.contains("offset "), "{broken:?}: {error}");
    }
}

#[test]
fn a_duplicate_key_is_refused() {
    let pickle = of_tensor(|p| p.pair().raw(b"s").text("w").pair());
    let error = refusal(&archive(&pickle, &[0; 8]));
    assert!(error.contains("key `w`: it is duplicate"), "{error}");
}

#[test]
fn a_wrong_type_in_place_of_a_tensors_part_is_reported() {
    let begun = |pickle: Pickle| pickle.global("torch._utils", "_rebuild_tensor_v2").raw(b"(");
    for (part, what) in
        [(&b"K\x01"[..], "an integer"), (b"ctorch\nFloatStorage\n", "torch.FloatStorage")]
    {
        let pickle = of_tensor(|p| begun(p).raw(part).int(0).ints(&[2]).ints(&[1]).raw(b"\x89NtR"));
        let error = refusal(&archive(&pickle, &[]));
        assert!(error.contains(&format!("`w`: unexpected {what} as a part of it")), "{error}");
    }
}

#[test]
fn a_tensor_with_a_reserved_name_of_safetensors_is_refused() {
    let pickle = Pickle::new().raw(b"}").text("__metadata__").pair().raw(b"s").stop();
    let error = refusal(&archive(&pickle, &[0; 8]));
    assert!(error.contains("safetensors reserves that name"), "{error}");
}

#[test]
fn control_characters_in_names_are_escaped() {
    let name = "\u{1b}]0;evil\u{7}\u{202e}w";
    let pickle = Pickle::new().raw(b"}").text(name).pair().raw(b"s");
    let evil = pickle.text("\u{1b}[2J").global("o\u{1b}s", "system").raw(b"s").stop();
    let checkpoint = read(&archive(&evil, &[0; 8])).unwrap();
    let tensor = checkpoint.tensors().next().unwrap();
    assert_eq!(tensor.name(), name);
    assert_eq!(tensor.printable_name(), "\u{fffd}]0;evil\u{fffd}\u{fffd}w");
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
}
