//! Dicts and prefixes around a network, in any nesting, and what a user chooses among several.

use miette::Diagnostic;
use proptest::prelude::*;
use repro::{
    checkpoint::{Checkpoint, Choice, Fault, Inspection, ReadError, Unwrapped, Wrapping},
    experiment::{Architecture, Block, Stem},
};

use super::{
    assembly::{Pickle, archive, of_tensor},
    fixture, read, refusal, to_safetensors,
};

const NETWORK: [&str; 3] = ["conv1.weight", "fc.bias", "layer1.0.bn1.bias"];

/// A dict of tensors with these names, on the stack of a pickle.
fn tensors<'n>(pickle: Pickle, names: impl IntoIterator<Item = &'n str>) -> Pickle {
    let begun = pickle.raw(b"}");
    names.into_iter().fold(begun, |pickle, name| pickle.text(name).pair().raw(b"s"))
}

/// A file with tensors of these names.
fn flat(names: &[String]) -> Vec<u8> {
    archive(&tensors(Pickle::new(), names.iter().map(String::as_str)).stop(), &[0; 8])
}

/// A file with the network under each of these paths of keys, and a number beside it.
fn under(paths: &[&[&str]]) -> Vec<u8> {
    let mut pickle = Pickle::new().raw(b"}").text("epoch").int(3).raw(b"s");
    for path in paths {
        for key in *path {
            pickle = pickle.text(key).raw(b"}");
        }
        // The innermost dict is the network's.
        pickle = Pickle(pickle.0[..pickle.0.len() - 1].to_vec());
        pickle = tensors(pickle, NETWORK);
        pickle = path.iter().fold(pickle, |pickle, _| pickle.raw(b"s"));
    }
    archive(&pickle.stop(), &[0; 8])
}

fn names(checkpoint: &Checkpoint) -> Vec<&str> {
    checkpoint.tensors().map(|tensor| tensor.name()).collect()
}

fn choose(bytes: &[u8], key: Option<&str>, prefix: Option<&str>) -> Result<Checkpoint, ReadError> {
    let choice = Choice { key: key.map(str::to_owned), prefix: prefix.map(str::to_owned) };
    Checkpoint::read_with("file", bytes.to_vec(), &choice)
}

#[test]
fn every_common_wrapper_is_taken_off_and_named() {
    for (prefix, wrapping) in [
        ("", Wrapping::Plain),
        ("module.", Wrapping::DataParallel),
        ("_orig_mod.", Wrapping::Prefixed),
        ("module._orig_mod.", Wrapping::Prefixed),
        ("model.", Wrapping::Prefixed),
        ("backbone.", Wrapping::Prefixed),
        ("module.module.", Wrapping::Prefixed),
        ("module.model.", Wrapping::Prefixed),
    ] {
        let wrapped = NETWORK.map(|name| format!("{prefix}{name}"));
        let checkpoint = read(&flat(&wrapped)).unwrap();
        assert_eq!(names(&checkpoint), NETWORK, "{prefix}");
        let Unwrapped { wrapping: found, prefix: taken, key, .. } = checkpoint.unwrapped();
        assert_eq!((*found, taken.as_str(), key), (wrapping, prefix, &None));
    }
    for path in [&["net"][..], &["model_state_dict"], &["state_dict_ema"], &["a", "b", "c"]] {
        let checkpoint = read(&under(&[path])).unwrap();
        assert_eq!(names(&checkpoint), NETWORK);
        assert_eq!(checkpoint.unwrapped().key.as_deref(), Some(&*path.join(".")));
        assert_eq!(checkpoint.wrapping(), Wrapping::Nested);
        assert_eq!(checkpoint.skipped()[0].to_string(), "epoch: 3");
    }
}

#[test]
fn of_several_state_dicts_the_user_chooses_one() {
    let file = under(&[&["last"], &["best"]]);
    let error = read(&file).unwrap_err();
    assert!(matches!(error.fault, Fault::Key { .. }), "{error}");
    assert!(
        error.to_string().contains("several dicts of tensors, under `last`, `best`"),
        "{error}"
    );
    assert_eq!(error.code().unwrap().to_string(), "checkpoint::key");
    let best = choose(&file, Some("best"), None).unwrap();
    assert_eq!(names(&best), NETWORK);
    assert_eq!(best.unwrapped().other_keys, ["last"]);
    assert!(best.skipped().iter().any(|line| line.to_string().starts_with("last: 3 tensors")));
    let error = choose(&file, Some("bset"), None).unwrap_err().to_string();
    assert!(error.contains("no dict of tensors under `bset`, but under `last`, `best`"), "{error}");
    // In a file without dicts there is nothing to choose.
    let flat = flat(&NETWORK.map(str::to_owned));
    for file in [&flat, &to_safetensors(&read(&flat).unwrap())] {
        let error = choose(file, Some("best"), None).unwrap_err();
        assert_eq!(error.code().unwrap().to_string(), "checkpoint::no_key", "{error}");
        assert!(error.to_string().ends_with("`best`"), "{error}");
    }
    // One dict under two keys needs no choice.
    let begun = tensors(Pickle::new().raw(b"}").text("last"), NETWORK).raw(b"q\x07s");
    let file = archive(&begun.text("best").raw(b"h\x07s").stop(), &[0; 8]);
    assert_eq!(read(&file).unwrap().unwrapped().key.as_deref(), Some("last"));
    let best = choose(&file, Some("best"), None).unwrap();
    assert_eq!((names(&best), best.unwrapped().key.as_deref()), (NETWORK.to_vec(), Some("best")));
    // As before, `model` and `state_dict` need no choice, and what is beside them is named.
    let file = under(&[&["state_dict_ema"], &["state_dict"]]);
    let checkpoint = read(&file).unwrap();
    assert_eq!(checkpoint.unwrapped().key.as_deref(), Some("state_dict"));
    assert_eq!(checkpoint.unwrapped().other_keys, ["state_dict_ema"]);
    assert!(choose(&file, Some("state_dict_ema"), None).is_ok());
    // Keys may have dots, and be those of inner dicts.
    let file = under(&[&["a.b", "c"], &["a", "b.d"]]);
    assert!(choose(&file, Some("a.b.c"), None).is_ok());
    let checkpoint = choose(&file, Some("a.b.d"), None).unwrap();
    assert!(checkpoint.skipped().iter().any(|line| line.name == "a.b"));
    // safetensors have none.
    let error = choose(&fixture("plain.safetensors"), Some("model"), None).unwrap_err();
    assert!(error.to_string().contains("have no dicts"), "{error}");
}

#[test]
fn a_tensor_beside_a_state_dict_is_no_state_dict() {
    let begun = Pickle::new().raw(b"}").text("best_accuracy").pair().raw(b"s").text("net");
    let file = archive(&tensors(begun, NETWORK).raw(b"s").stop(), &[0; 8]);
    let checkpoint = read(&file).unwrap();
    assert_eq!(names(&checkpoint), NETWORK);
    assert_eq!(checkpoint.skipped()[0].to_string(), "best_accuracy: 1 tensor");
}

#[test]
fn of_several_networks_the_user_chooses_one_by_its_prefix() {
    let both: Vec<String> = ["encoder_q.", "encoder_k."]
        .iter()
        .flat_map(|of| NETWORK.map(|n| format!("{of}{n}")))
        .collect();
    let file = flat(&both);
    let checkpoint = read(&file).unwrap();
    assert_eq!((checkpoint.tensors().len(), checkpoint.unwrapped().prefix.as_str()), (6, ""));
    assert_eq!(checkpoint.unwrapped().other_prefixes, ["encoder_k.", "encoder_q."]);
    let error = checkpoint.fitted(&tiny()).unwrap_err();
    assert!(matches!(error.fault, Fault::Prefix { .. }), "{error}");
    assert!(error.to_string().contains("`encoder_k.`, `encoder_q.`"), "{error}");
    for prefix in ["encoder_q", "encoder_q."] {
        let checkpoint = choose(&file, None, Some(prefix)).unwrap();
        assert_eq!(names(&checkpoint), NETWORK);
        assert_eq!(checkpoint.skipped().len(), 3);
    }
    let error = choose(&file, None, Some("encoder")).unwrap_err();
    assert_eq!(error.code().unwrap().to_string(), "checkpoint::prefix");
    assert!(error.to_string().contains("no tensor's name begins with `encoder.`"), "{error}");
    // The same for safetensors.
    let file = to_safetensors(&read(&file).unwrap());
    assert_eq!(names(&choose(&file, None, Some("encoder_k")).unwrap()), NETWORK);
}

/// The network of `goldens/checkpoint/make_fixtures.py`.
pub fn tiny() -> Architecture {
    let (block, depths, stem) = (Block::Basic, [1, 1, 1, 1], Stem::Small { stride: 2 });
    Architecture { block, depths, width: 1, stem, classes: 3 }
}

/// Its fixture as a zip file, with a prefix before its names, and more tensors.
pub fn network(prefix: &str, more: &[(&str, &[f32])]) -> Vec<u8> {
    let tiny = read(&fixture("tiny.safetensors")).unwrap();
    let floats = tiny.tensors().filter(|tensor| tensor.dtype().name() == "float32");
    let mut tensors: Vec<(String, Vec<i128>, Vec<u8>)> = floats
        .map(|tensor| {
            let shape = tensor.shape().iter().map(|size| *size as i128).collect();
            (format!("{prefix}{}", tensor.name()), shape, tensor.bytes().unwrap().into_owned())
        })
        .collect();
    tensors.extend(more.iter().map(|(name, values)| {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        ((*name).to_owned(), vec![values.len() as i128], bytes)
    }));
    let storage: Vec<u8> = tensors.iter().flat_map(|(.., bytes)| bytes.clone()).collect();
    let (mut pickle, mut offset) = (Pickle::new().raw(b"}"), 0);
    for (name, shape, bytes) in &tensors {
        let strides: Vec<i128> =
            (0..shape.len()).map(|at| shape[at + 1..].iter().product()).collect();
        let named = pickle.text(name);
        pickle = named.tensor(storage.len() as i128 / 4, offset, shape, &strides).raw(b"s");
        offset += bytes.len() as i128 / 4;
    }
    archive(&pickle.stop(), &storage)
}

#[test]
fn a_stray_buffer_does_not_refuse_a_source() {
    let architecture = tiny();
    let digest =
        read(&fixture("tiny.safetensors")).unwrap().fitted(&architecture).unwrap().digest();
    let with = |prefix: &str, more: &[&str]| {
        let more: Vec<(&str, &[f32])> = more.iter().map(|name| (*name, &[1.0][..])).collect();
        network(prefix, &more)
    };
    let strays = ["n_averaged", "normalize.mean", "normalize.std", "num_updates"];
    for prefix in ["", "module.", "_orig_mod.model.", "backbone."] {
        for more in [&[][..], &strays] {
            let checkpoint = read(&with(prefix, more)).unwrap();
            assert_eq!(checkpoint.fitted(&architecture).unwrap().digest(), digest, "{prefix}");
            assert_eq!(checkpoint.normaliser().is_some(), !more.is_empty(), "{prefix}");
            let named = checkpoint.strays().len() + checkpoint.skipped().len();
            assert!(more.is_empty() || named >= 3, "{prefix}: {named}");
        }
    }
    // A tensor in a module of the network is no stray, and neither are many of them.
    for more in [&["layer1.0.se.weight"][..], &["a.1", "a.2", "a.3", "a.4", "a.5"]] {
        let error = read(&with("", more)).unwrap().fitted(&architecture).unwrap_err();
        assert!(error.to_string().contains("unknown tensor"), "{error}");
    }
}

#[test]
fn dicts_without_named_tensors_are_described_by_what_they_have() {
    let numbered = |count: i128| {
        let begun = Pickle::new().raw(b"}");
        (0..count).fold(begun, |pickle, key| pickle.int(key).pair().raw(b"s")).stop()
    };
    for (pickle, what) in [
        (numbered(0), "it has an empty dict, but"),
        (numbered(1), "it has a dict of 1 tensor, whose key is an integer, but"),
        (numbered(2), "it has a dict of 2 tensors, whose keys are integers, but"),
        (
            of_tensor(|pickle| pickle.int(1)).replace_key(b"w", b"\x8a\x01\x07"),
            "it has a dict whose keys are integers, but",
        ),
        (
            Pickle::new()
                .global("my.lib", "StateDict")
                .raw(b")\x81")
                .text("w")
                .pair()
                .raw(b"s")
                .stop(),
            "it is a dict of the unknown class my.lib.StateDict, with 1 tensor",
        ),
    ] {
        let error = refusal(&archive(&pickle, &[0; 8]));
        assert!(error.contains(what), "{what}: {error}");
    }
}

trait Edited {
    fn replace_key(self, key: &[u8], by: &[u8]) -> Vec<u8>;
}

impl Edited for Vec<u8> {
    /// Replaces a text of a pickle.
    fn replace_key(self, key: &[u8], by: &[u8]) -> Vec<u8> {
        let text = [b"X", &(key.len() as u32).to_le_bytes()[..], key].concat();
        let at = self.windows(text.len()).position(|window| window == text).unwrap();
        [&self[..at], by, &self[at + text.len()..]].concat()
    }
}

#[test]
fn what_is_not_needed_may_be_odd() {
    // Text with a lone surrogate, as argparse has for arguments in another encoding; a duplicate
    // key in a dict that is not the network's.
    let surrogate = b"X\x04\x00\x00\x00a\xed\xb3\xbf";
    let beside = Pickle::new().raw(b"}").text("model").raw(b"}").text("w").pair().raw(b"ss");
    let odd = beside.text("args").raw(b"}").raw(surrogate).raw(surrogate).raw(b"s");
    let odd = odd.raw(surrogate).int(1).raw(b"ss").text("twice").raw(b"}").text("x").pair();
    let odd = odd.raw(b"s").text("x").pair().raw(b"ss").raw(surrogate).int(2).raw(b"s").stop();
    let checkpoint = read(&archive(&odd, &[0; 8])).unwrap();
    assert_eq!(names(&checkpoint), ["w"]);
    let lines: Vec<String> = checkpoint.skipped().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "args: 1 number, 3 texts",
            "twice: 2 tensors, 2 texts",
            "(a key that is text with lone surrogates): 2",
        ]
    );
    // Other bytes are damage, as for Python.
    let error = refusal(&archive(&of_tensor(|p| p.raw(b"X\x01\0\0\0\xff0").pair()), &[0; 8]));
    assert!(error.contains("a text is not UTF-8"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Prefixes and keys in any nesting, with strays of wrappers between them.
    #[test]
    fn a_network_is_found_in_any_nesting(
        wrappers in prop::collection::vec(
            prop::sample::select(vec![
                "module", "_orig_mod", "model", "net", "backbone", "encoder.0", "ema", "x-1",
            ]), 0..5,
        ),
        keys in prop::collection::vec(prop::sample::select(vec!["model", "net", "a.b", "0"]), 0..4),
        strays in prop::sample::subsequence(
            vec!["n_averaged", "normalize.mean", "normalize.std", "step"], 0..4,
        ),
        outer in any::<bool>(),
    ) {
        let prefix: String = wrappers.iter().map(|wrapper| format!("{wrapper}.")).collect();
        let before = if outer { "" } else { &prefix[..] };
        let all: Vec<String> = NETWORK
            .iter()
            .map(|name| format!("{prefix}{name}"))
            .chain(strays.iter().map(|name| format!("{before}{name}")))
            .collect();
        let nested = keys.iter().fold(Pickle::new(), |pickle, key| pickle.raw(b"}").text(key));
        let pickle = tensors(nested, all.iter().map(String::as_str));
        let pickle = keys.iter().fold(pickle, |pickle, _| pickle.raw(b"s")).stop();
        let checkpoint = read(&archive(&pickle, &[0; 8])).unwrap();
        let inspection = Inspection::new(&checkpoint).unwrap();
        prop_assert_eq!(&inspection.prefix, &prefix);
        prop_assert_eq!(inspection.key, Some(keys.join(".")).filter(|_| !keys.is_empty()));
        let found: Vec<&str> = names(&checkpoint);
        for name in NETWORK {
            prop_assert!(found.contains(&name), "{name}: {found:?}");
        }
        let skipped = checkpoint.skipped().len() + found.len() - NETWORK.len();
        prop_assert_eq!(skipped == 0, strays.is_empty());
    }
}
