//! Checkpoints assembled by hand, for faults that no program writes.

#[path = "../../core/checkpoint/assembly.rs"]
mod assembly;

use assembly::{Pickle, archive, legacy, of_input, of_tensor, zip};

use super::Transcript;

/// Pickles that are damaged or meaningless.
const RAW: [(&str, &[u8]); 21] = [
    ("no tensor", b"\x80\x02}."),
    ("a number", b"\x80\x02K\x01."),
    ("a list", b"\x80\x02]X\x01\0\0\0aa."),
    ("a dict of numbers", b"\x80\x02}X\x01\0\0\0aK\x01s."),
    ("an empty stack", b"\x80\x02."),
    ("a stack that is too short", b"\x80\x02}s."),
    ("no mark", b"\x80\x02}u."),
    ("a key without a value", b"\x80\x02}(X\x01\0\0\0au."),
    ("something to append to nothing", b"\x80\x02K\x01K\x01a."),
    ("keys of nothing", b"\x80\x02K\x01K\x01K\x01s."),
    ("what nobody remembers", b"\x80\x02h\x05."),
    ("another protocol", b"\x80\x09}."),
    ("no operation", b"\x80\x02\xff."),
    ("a name by number", b"\x80\x02\x82\x01."),
    ("a buffer outside", b"\x80\x05\x97."),
    ("a frame that is too long", b"\x80\x04\x95\xff\xff\0\0\0\0\0\0."),
    ("a length that is too long", b"\x80\x02X\xff\0\0\0a."),
    ("a line without an end", b"\x80\x02cos"),
    ("a number that is none", b"\x80\x02Ione\n."),
    ("text that is none", b"\x80\x02X\x01\0\0\0\xff."),
    ("more than its end", b"\x80\x02}.more"),
];

#[test]
fn each_fault_in_a_checkpoint_is_reported_with_its_place() {
    let mut faults = Transcript::new();
    let mut inspect = |what: &str, bytes: &[u8]| {
        faults.file("model.pt", bytes);
        faults.note(&format!("model.pt has {what}"));
        faults.run("repro inspect model.pt");
    };
    for (what, pickle) in RAW {
        inspect(what, &archive(pickle, &[0; 8]));
    }
    let pair = of_tensor(Pickle::pair);
    inspect("a tensor", &archive(&pair, &[0; 8]));
    inspect("a storage that is cut short", &archive(&pair, &[0; 4]));
    inspect("no storage", &zip(&[("a/data.pkl", &pair)]));
    inspect("no pickle", &zip(&[("a/data/0", &[0; 8])]));
    inspect("two pickles", &zip(&[("a/data.pkl", &pair), ("b/data.pkl", &pair)]));
    inspect("an entry twice", &zip(&[("a/data.pkl", &pair), ("a/data.pkl", &pair)]));
    inspect(
        "bytes in no order",
        &zip(&[("a/data.pkl", &pair), ("a/byteorder", b"odd"), ("a/data/0", &[0; 8])]),
    );
    inspect(
        "an entry too many",
        &zip(&[("a/data.pkl", &pair), ("a/data/0", &[0; 8]), ("a/extra", b"more")]),
    );
    for (what, offset, shape, strides) in [
        ("sizes beyond its storage", 0, &[3][..], &[1][..]),
        ("no size", 0, &[-1], &[1]),
        ("other strides than sizes", 0, &[2], &[]),
        ("many dimensions", 0, &[1; 65], &[1; 65]),
    ] {
        let pickle = of_tensor(|pickle| pickle.tensor(2, offset, shape, strides));
        inspect(&format!("a tensor with {what}"), &archive(&pickle, &[0; 8]));
    }
    let quantised = of_tensor(|pickle| {
        let begun = pickle.global("torch._utils", "_rebuild_qtensor").raw(b"(");
        begun.storage("QInt8Storage", "0", 8).raw(b"tR")
    });
    inspect("a quantised tensor", &archive(&quantised, &[0; 8]));
    let system = of_tensor(|pickle| pickle.global("os", "system").raw(b")R"));
    inspect("a command in place of a tensor", &archive(&system, &[0; 8]));
    inspect("a legacy form of another tensor", &legacy(&pair, &[("1", &[0; 8])]));
    inspect("a legacy form that is cut short", &legacy(&pair, &[("0", &[0; 4])]));
    inspect(
        "a legacy form with more behind it",
        &[&legacy(&pair, &[("0", &[0; 8])])[..], b"more"].concat(),
    );
    inspect("safetensors of nothing", &of_input(b"\x03{}"));
    faults.snapshot("messages-pickles");
}
