//! Checkpoints without an official checksum: a file that is no checkpoint of the zoo's network
//! never gets its final name.

use std::{fs, path::Path, sync::OnceLock};

use miette::Diagnostic;
use repro::{
    engine::{model::Weights, pretrain::write_weights},
    experiment::{
        Seed, WeightsPrecision,
        random::{self, Purpose},
    },
    fetch::{FetchError, Fetched, Network, Proxies, Source, Zoo},
};

use super::server::{POLICY, Sandbox, Server, answer, thing};

/// A checkpoint of the authors' zoo, without a checksum.
fn catalogue(address: &str) -> String {
    super::server::catalogue(&[address.to_owned()], "no_checksum = \"none stated\"")
        .replace("target = \"thing\"", "zoo = \"authors\", role = \"l2_3\"")
}

/// A valid checkpoint; `last` is its last byte.
fn checkpoint(last: u8) -> Vec<u8> {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.safetensors");
        let mut generator = random::generator(Seed(1), Purpose::Initialisation);
        let weights = Weights::initialise(Zoo::Authors.architecture(), &mut generator);
        write_weights(&path, &weights, WeightsPrecision::Single).unwrap();
        fs::read(path).unwrap()
    });
    let mut file = file.clone();
    *file.last_mut().unwrap() ^= last;
    file
}

fn fetch(sandbox: &Sandbox, sent: &[u8]) -> Result<Fetched, FetchError> {
    let sent = sent.to_vec();
    let server = Server::new(move |_, _, stream| {
        let length = sent.len().to_string();
        let headers = [("Content-Length", length), ("Content-Type", "application/json".to_owned())];
        answer(stream, "200 OK", &headers, &sent);
    });
    let network = Network::new(Proxies::default(), POLICY);
    sandbox.fetcher().fetch(&thing(&catalogue(&server.url("x"))), &Source::Network(&network))
}

fn names(sandbox: &Sandbox) -> Vec<String> {
    let folder = sandbox.folder.path().join("zoos/authors");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name != ".lock");
    names.sort();
    names
}

#[test]
fn a_file_that_is_no_checkpoint_of_the_network_is_refused_without_a_record() {
    let whole = checkpoint(0);
    let small =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/checkpoint/robustness-legacy.pt");
    let small = fs::read(small).unwrap();
    let text = br#"{"error": "no such file", "code": 9}"#;
    for (sent, expected) in [
        (&text[..], "it is a JSON file"),
        (&whole[..whole.len() / 2], "header"),
        (&small[..small.len() / 2], ""),
        // A valid checkpoint of another network.
        (&small, "failed to"),
    ] {
        let sandbox = Sandbox::new();
        let error = fetch(&sandbox, sent).unwrap_err().to_string();
        assert!(
            error.contains("the downloaded file is not a checkpoint of its network"),
            "{error}"
        );
        assert!(error.contains(expected), "{error}");
        assert_eq!(names(&sandbox), [""; 0]);

        let from = tempfile::tempdir().unwrap();
        fs::write(from.path().join("thing.bin"), sent).unwrap();
        let item = thing(&catalogue("http://127.0.0.1:9/x"));
        let error = sandbox.fetcher().fetch(&item, &Source::Folder(from.path())).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("it is not a checkpoint of its network"), "{error}");
        assert_eq!(names(&sandbox), [""; 0]);
    }
}

#[test]
fn a_changed_checkpoint_is_reported_with_help() {
    let sandbox = Sandbox::new();
    let fetched = fetch(&sandbox, &checkpoint(0)).unwrap();
    assert_eq!((fetched.downloaded, fetched.unchecked.len()), (vec!["thing.bin".to_owned()], 1));
    assert_eq!(names(&sandbox), ["thing.bin", "thing.bin.sha256"]);
    let folder = sandbox.folder.path().join("zoos/authors");
    fs::remove_file(folder.join("thing.bin")).unwrap();
    let error = fetch(&sandbox, &checkpoint(1)).unwrap_err();
    let record = folder.join("thing.bin.sha256");
    assert!(error.to_string().contains(&format!("delete {}", record.display())), "{error}");
    assert!(error.help().is_some());
    fs::remove_file(record).unwrap();
    fetch(&sandbox, &checkpoint(1)).unwrap();
    assert_eq!(fs::read(folder.join("thing.bin")).unwrap(), checkpoint(1));
}
