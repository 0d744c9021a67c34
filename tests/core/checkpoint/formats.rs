//! Every format, wrapping, kind and layout, and files of other formats.

use std::{collections::BTreeMap, path::Path};

use miette::Diagnostic;
use repro::{
    checkpoint::{Checkpoint, Container, Fault, Wrapping},
    experiment::{Architecture, Block, Stem},
};

use super::{
    assembly::{Pickle, archive, legacy, of_tensor, zip},
    fixture, folder, read,
    reference::{Reference, tensors},
    refusal, to_safetensors,
};

/// The network of `goldens/checkpoint/make_fixtures.py`.
fn tiny() -> Architecture {
    let (block, depths, stem) = (Block::Basic, [1, 1, 1, 1], Stem::Small { stride: 2 });
    Architecture { block, depths, width: 1, stem, classes: 3 }
}

#[test]
fn every_fixture_is_read_as_by_torch_and_numpy() {
    let reference = Reference::read();
    assert!(reference.files.len() > 30);
    for (file, known) in &reference.files {
        let checkpoint =
            Checkpoint::open(&folder().join(file)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(checkpoint.container().name(), known.container, "{file}");
        assert_eq!(checkpoint.wrapping().name(), known.wrapping, "{file}");
        let (found, expected) = (tensors(&checkpoint), &reference.sets[known.tensors]);
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found, expected, "{file}");
        }
        assert_eq!(found.len(), expected.len(), "{file}");
        let skipped: Vec<String> = checkpoint.skipped().iter().map(ToString::to_string).collect();
        for word in &known.skipped {
            assert!(skipped.iter().any(|line| line.contains(word)), "{file}: {word}: {skipped:#?}");
        }
        let checksums = usize::from(file.starts_with("no-checksums"));
        let quiet = known.skipped.is_empty() && checksums == 0;
        assert_eq!(skipped.is_empty(), quiet, "{file}: {skipped:#?}");
    }
}

#[test]
fn a_checkpoint_written_as_safetensors_reads_the_same() {
    for (file, known) in &Reference::read().files {
        let checkpoint = read(&fixture(file)).unwrap();
        let again = read(&to_safetensors(&checkpoint)).unwrap();
        assert_eq!(again.container(), Container::Safetensors);
        assert_eq!(again.wrapping(), Wrapping::Plain, "{file}");
        assert_eq!(tensors(&again), tensors(&checkpoint), "{file}");
        assert!(again.skipped().is_empty(), "{file}: {}", known.container);
    }
}

#[test]
fn extra_contents_of_the_robustness_library_are_reported() {
    for file in ["robustness-legacy.pt", "robustness-zip.pt"] {
        let checkpoint = read(&fixture(file)).unwrap();
        let normaliser = checkpoint.normaliser().unwrap();
        assert_eq!(normaliser.mean, [0.485, 0.456, 0.406]);
        assert_eq!(normaliser.std, [0.229, 0.224, 0.225]);
        let lines: BTreeMap<&str, &str> =
            checkpoint.skipped().iter().map(|line| (&*line.name, &*line.what)).collect();
        let count = checkpoint.tensors().len();
        let attacker = lines["module.attacker"];
        assert!(attacker.starts_with(&format!("{} tensors", count + 2)), "{attacker}");
        assert!(
            attacker.contains(&format!("{count} of them copies of the network's")),
            "{attacker}"
        );
        // One momentum for each parameter: kernels, weights and biases of batch norms, and the
        // head.
        let parameters = checkpoint
            .tensors()
            .filter(|tensor| tensor.name().ends_with("weight") || tensor.name().ends_with("bias"));
        let optimiser = lines["optimizer"];
        assert!(optimiser.starts_with(&format!("{} tensors", parameters.count())), "{optimiser}");
        assert_eq!(lines["epoch"], "90");
        assert_eq!(lines["amp"], "None");
    }
}

#[test]
fn weights_are_those_of_the_architecture_in_single_precision() {
    let names = ["robustness-legacy.pt", "robustness-zip.pt", "tiny.safetensors", "half-zip.pt"];
    let [robust, zip, plain, half] =
        names.map(|file| read(&fixture(file)).unwrap().fitted(&tiny()).unwrap());
    assert_eq!(robust.digest(), plain.digest());
    assert_eq!(zip.digest(), plain.digest());
    // Half precision differs by up to half a step of 11 bits.
    assert_ne!(half.digest(), plain.digest());
    let mixed = read(&fixture("mixed-legacy.pt")).unwrap().fitted(&tiny()).unwrap();
    for (name, weight) in &plain.parameters {
        for (other, tolerance) in [(&half, 2e-3), (&mixed, 2e-2)] {
            let other = &other.parameters[name];
            assert_eq!(other.shape, weight.shape, "{name}");
            let close = |(found, expected): (&f32, &f32)| {
                (found - expected).abs() <= 1e-6 + tolerance * expected.abs()
            };
            assert!(other.values.iter().zip(&weight.values).all(close), "{name}");
        }
    }
    assert_ne!(plain.buffers["bn1.running_var"].values, [1.0]);
}

#[test]
fn missing_extra_misshapen_and_integer_tensors_are_named() {
    let refused = |bytes: &[u8], architecture: &Architecture| {
        read(bytes).unwrap().fitted(architecture).unwrap_err()
    };
    let tiny_file = fixture("tiny.safetensors");
    let deeper = Architecture { depths: [1, 1, 2, 1], ..tiny() };
    let missing = refused(&tiny_file, &deeper).to_string();
    assert!(missing.contains("file: missing tensor `layer3.1.conv1.weight`"), "{missing}");
    let shallower = Architecture { depths: [1, 1, 1, 0], width: 1, ..tiny() };
    let extra = refused(&tiny_file, &shallower).to_string();
    assert!(extra.contains("unknown tensor `layer4.0."), "{extra}");
    let more = refused(&tiny_file, &Architecture { classes: 4, ..tiny() }).to_string();
    assert!(more.contains("`fc.weight`") && more.contains("[3, 8]"), "{more}");
    let mut spoilt = tiny_file.clone();
    let end = spoilt.len();
    spoilt[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let spoilt = refused(&spoilt, &tiny()).to_string();
    assert!(spoilt.contains("has values that are not finite"), "{spoilt}");
    // A network that does not fit is refused before a value is read.
    let other = refused(&fixture("dtypes-zip.pt"), &tiny()).to_string();
    assert!(other.contains("missing tensor `conv1.weight`"), "{other}");
    let mut integers = tiny_file.clone();
    let at = integers.windows(3).position(|window| window == b"F32").unwrap();
    integers[at..at + 3].copy_from_slice(b"I32");
    let kind = refused(&integers, &tiny()).to_string();
    assert!(kind.contains("has type int32"), "{kind}");
    // A required tensor that was skipped is reported with the reason, not as missing.
    let state =
        |pickle: Pickle| pickle.pair().raw(b"s").text("conv1.weight").global("os", "system");
    let call = of_tensor(|pickle| state(pickle).raw(b")R"));
    let left = refused(&archive(&call, &[0; 8]), &tiny());
    assert!(matches!(left.fault, Fault::UnsupportedTensor { .. }), "{left}");
    assert!(left.to_string().contains("`conv1.weight`") && left.to_string().contains("os.system"));
    assert!(left.help().is_some());
}

#[test]
fn files_of_other_formats_are_named_by_their_format() {
    let module = "a whole model, an object of torch.nn.modules.linear.Linear";
    for (file, what) in [
        ("script.pt", "a TorchScript archive"),
        ("tar.pt", "a tar archive, as PyTorch wrote before 0.1.10"),
        ("pickle.pt", "a pickle that PyTorch did not write"),
        ("module-zip.pt", module),
        ("module-legacy.pt", module),
        ("tensor-zip.pt", "a single tensor"),
        ("hostile-root-zip.pt", "an object of posix.system"),
        ("deflated-zip.pt", "it is compressed"),
    ] {
        let error = refusal(&fixture(file));
        assert!(error.contains(what), "{file}: {error}");
    }
    for (bytes, what) in [
        (&b""[..], "an empty file"),
        (b"\n <!DOCTYPE html><html>", "a page of HTML"),
        (b"\xef\xbb\xbf<html>", "a page of HTML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"hello", "no known checkpoint format: it begins with `hello`"),
        (b"\x1b[2J", "it begins with `\u{fffd}[2J`"),
    ] {
        let error = refusal(bytes);
        assert!(error.contains(what), "{error}");
    }
    let empty = refusal(&archive(&Pickle::new().raw(b"}").stop(), &[]));
    assert!(empty.contains("an empty dict"), "{empty}");
    let one = archive(&of_tensor(Pickle::pair), &[0; 8]);
    let shard = refusal(&[one.clone(), one.clone(), one].concat());
    assert!(shard.contains("a shard of a distributed checkpoint"), "{shard}");
    let mut tar = vec![0; 1024];
    tar[..8].copy_from_slice(b"model.pt");
    tar[257..262].copy_from_slice(b"ustar");
    let tar = read(&tar).unwrap_err();
    assert!(tar.to_string().ends_with("it is a tar archive"), "{tar}");
    assert!(tar.help().unwrap().to_string().contains("unpack it"));
    let numbers = refusal(&archive(&of_tensor(|pickle| pickle.int(1)), &[]));
    assert!(numbers.contains("a dict of `w`, but no named tensors"), "{numbers}");
    let none = refusal(&zip(&[("a/b", b"")]));
    assert!(none.contains("without PyTorch's `data.pkl`"), "{none}");
}

#[test]
fn a_missing_file_and_a_folder_are_errors_that_name_them() {
    for path in ["no/such/file.pt", env!("CARGO_MANIFEST_DIR")] {
        let error = Checkpoint::open(Path::new(path)).unwrap_err();
        assert!(error.to_string().contains(path), "{error}");
        assert!(matches!(error.fault, Fault::Io { .. }), "{error}");
    }
}

#[test]
fn every_error_has_help() {
    for file in ["script.pt", "tar.pt", "pickle.pt", "module-zip.pt", "deflated-zip.pt"] {
        let error = read(&fixture(file)).unwrap_err();
        assert!(error.help().is_some_and(|help| help.to_string().len() > 5), "{file}");
    }
}

#[test]
fn pickles_of_python_2_are_read() {
    // An ordered dict from a list of pairs, quoted text, decimal numbers.
    let pairs = Pickle::new().global("collections", "OrderedDict").raw(b"(](S'w'\n");
    let pickle = pairs.pair().raw(b"lat").raw(b"R").stop();
    let checkpoint = read(&archive(&pickle, &[1, 2, 3, 4, 5, 6, 7, 8])).unwrap();
    let tensor = checkpoint.tensors().next().unwrap();
    assert_eq!((tensor.name(), &*tensor.bytes().unwrap()), ("w", &[1, 2, 3, 4, 5, 6, 7, 8][..]));
    let old = of_tensor(|pickle| {
        let begun = pickle.global("torch._utils", "_rebuild_tensor").raw(b"((U\x07storage");
        let storage = begun.global("torch", "FloatStorage").raw(b"S'0'\nV\\u0063pu\nI2\ntQI0\n");
        storage.raw(b"(L2L\ntF1\n0(I1\ntt").raw(b"R")
    });
    assert_eq!(read(&archive(&old, &[0; 8])).unwrap().tensors().len(), 1);
}

#[test]
fn a_defaultdict_is_a_dict_and_its_function_is_reported() {
    let begun = Pickle::new().global("collections", "defaultdict");
    let made = begun.raw(b"(").global("builtins", "list").raw(b"tR").text("w").pair().raw(b"s");
    let checkpoint = read(&archive(&made.clone().stop(), &[0; 8])).unwrap();
    assert_eq!(checkpoint.tensors().next().unwrap().name(), "w");
    let skipped = checkpoint.skipped()[0].to_string();
    assert!(skipped.contains("builtins.list"), "{skipped}");
    // Under a key as well.
    let nested = [b"\x80\x02}X\x05\0\0\0model", &made.0[2..], b"s."].concat();
    assert_eq!(read(&archive(&nested, &[0; 8])).unwrap().wrapping(), Wrapping::Nested);
}

#[test]
fn tensors_of_unsupported_kinds_are_reported_and_the_others_are_read() {
    for kind in ["bits16", "bits1x8", "bits2x4", "bits4x2", "float4_e2m1fn_x2", "complex128"] {
        let pickle = of_tensor(|pickle| {
            let begun = pickle.pair().raw(b"s").text("odd");
            let begun = begun.global("torch._utils", "_rebuild_tensor_v3").raw(b"(");
            let stored = begun.storage("UntypedStorage", "1", 8).int(0).ints(&[4]).ints(&[1]);
            stored.raw(b"\x89N").global("torch", kind).raw(b"tR")
        });
        let entries = [("a/data.pkl", &pickle[..]), ("a/data/0", &[0; 8]), ("a/data/1", &[0; 8])];
        let checkpoint = read(&zip(&entries)).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(checkpoint.tensors().len(), 1, "{kind}");
        let skipped = checkpoint.skipped()[0].to_string();
        assert_eq!(skipped, format!("odd: of torch.{kind}, which is not supported"));
    }
}

#[test]
fn a_tensor_of_the_wrapper_is_reported_as_extra() {
    let pickle = Pickle::new().raw(b"}").text("n_averaged").pair().raw(b"s");
    let pickle = pickle.text("module.w").pair().raw(b"s").stop();
    let checkpoint = read(&archive(&pickle, &[0; 8])).unwrap();
    assert_eq!(checkpoint.wrapping(), Wrapping::DataParallel);
    assert_eq!(checkpoint.tensors().next().unwrap().name(), "w");
    assert_eq!(checkpoint.skipped()[0].to_string(), "n_averaged: 1 tensor");
}

#[test]
fn operations_of_newer_protocols_are_read() {
    let begun =
        b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}\x8d\x01\x00\x00\x00\x00\x00\x00\x00w";
    let named = b"\x8c\x0ctorch._utils\x8c\x12_rebuild_tensor_v2\x93\x94(";
    let stored = Pickle(begun.to_vec()).raw(named).storage("FloatStorage", "0", 2).int(0);
    let tensor = stored.ints(&[2]).ints(&[1]).raw(b"\x89NtR\x94s");
    // A set, a frozen set, bytes, a bytearray, and a call of a user's class with keywords.
    let sets = tensor.text("own").raw(b"\x8c\x01m\x8c\x01C\x93(\x8f(K\x01\x90(K\x02\x91C\x01a");
    let bytes =
        sets.raw(b"\x96\x01\x00\x00\x00\x00\x00\x00\x00b\x8e\x01\x00\x00\x00\x00\x00\x00\x00c");
    let pickle = bytes.raw(b"t}\x8c\x01kG?\xf0\x00\x00\x00\x00\x00\x00s\x92h\x000s").stop();
    let checkpoint = read(&archive(&pickle, &[0; 8])).unwrap();
    let skipped = checkpoint.skipped()[0].to_string();
    assert_eq!(skipped, "own: an object of m.C, with 3 numbers, 4 texts");
}

#[test]
fn a_file_cut_at_any_byte_is_refused() {
    for file in [
        "plain-zip.pt",
        "plain-legacy.pt",
        "python2-legacy.pt",
        "plain.safetensors",
        "zip64-zip.pt",
    ] {
        let whole = fixture(file);
        for end in 0..whole.len() {
            let error = refusal(&whole[..end]);
            assert!(error.starts_with("failed to read the checkpoint file: "), "{end}: {error}");
        }
        assert!(read(&whole).is_ok(), "{file}");
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    for file in ["plain-zip.pt", "plain-legacy.pt", "plain.safetensors"] {
        let error = refusal(&[&fixture(file)[..], b"more"].concat());
        assert!(error.contains("4 bytes follow") || error.contains("header"), "{file}: {error}");
        // The error does not report damage of the data before it.
        let help = read(&[&fixture(file)[..], b"more"].concat()).unwrap_err();
        let help = help.help().unwrap().to_string();
        assert_eq!(help.contains("damaged"), error.contains("header"), "{file}: {help}");
    }
    let pickle = [&of_tensor(Pickle::pair)[..], b"more"].concat();
    let error = refusal(&archive(&pickle, &[0; 8]));
    assert!(error.contains("4 bytes follow the end of the pickle"), "{error}");
}

#[test]
fn a_damaged_byte_of_an_archive_is_found_by_its_checksum() {
    let mut bytes = fixture("plain-zip.pt");
    // In the pickle, at a place where parsing still succeeds.
    let at = bytes.windows(4).position(|window| window == b"conv").unwrap();
    bytes[at] ^= 1;
    let error = refusal(&bytes);
    assert!(error.contains("its checksum is") && error.contains("data.pkl"), "{error}");
}

#[test]
fn invalid_archives_are_refused() {
    let pickle = of_tensor(Pickle::pair);
    let storage = [0; 8];
    for (entries, what) in [
        (
            &[("a/data.pkl", &pickle[..]), ("a/data.pkl", &pickle)][..],
            "`a/data.pkl`: it is duplicate",
        ),
        (&[("a/data.pkl", &pickle[..]), ("b/data.pkl", &pickle)], "more than one `data.pkl`"),
        (&[("a/data.pkl", &pickle[..])], "storage `0`: it is missing from the file"),
        (
            &[("a/data.pkl", &pickle[..]), ("a/data/0", &storage[..4])],
            "it has 4 bytes, but should have 2 elements of 4",
        ),
        (
            &[("a/data.pkl", &pickle[..]), ("a/data/0", &storage), ("a/byteorder", b"middle")],
            "neither `little` nor `big`",
        ),
        (
            &[("a/data.pkl", &pickle[..]), ("a/data/0", &storage), ("a/code/x.py", b"")],
            "TorchScript",
        ),
    ] {
        let error = refusal(&zip(entries));
        assert!(error.contains(what), "{what}: {error}");
    }
    let more = [("a/data.pkl", &pickle[..]), ("a/data/0", &storage[..]), ("a/notes.txt", b"hello")];
    let checkpoint = read(&zip(&more)).unwrap();
    assert_eq!(checkpoint.skipped()[0].to_string(), "a/notes.txt: an unknown entry of 5 bytes");
    let mut encrypted = archive(&pickle, &storage);
    let directory = encrypted.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    encrypted[directory + 8] |= 1;
    assert!(refusal(&encrypted).contains("it is encrypted"));
}

#[test]
fn invalid_legacy_files_are_refused() {
    let pickle = of_tensor(Pickle::pair);
    assert!(read(&legacy(&pickle, &[("0", &[0; 8])])).is_ok());
    for (storages, what) in [
        (&[][..], "storage `0`: it is missing from the file"),
        (&[("0", &[0; 4][..])][..], "it has 1 elements, but should have 2"),
        (&[("0", &[0; 8]), ("0", &[0; 8])], "it is duplicate"),
        (&[("1", &[0; 8])], "no tensor refers to it"),
    ] {
        let error = refusal(&legacy(&pickle, storages));
        assert!(error.contains(what), "{what}: {error}");
    }
    let other_size = of_tensor(|pickle| {
        let two = pickle.pair().raw(b"s").text("v");
        two.tensor(3, 0, &[2], &[1])
    });
    let error = refusal(&legacy(&other_size, &[("0", &[0; 8])]));
    assert!(error.contains("references have different sizes"), "{error}");
}
