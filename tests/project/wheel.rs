//! `scripts/wheel.py`, with a program that only states its version: the bytes of the wheel, its
//! record of hashes, and that pip installs it.

use std::{
    fs::{self, Permissions},
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const PLATFORM: &str = "manylinux_2_17_x86_64.musllinux_1_1_x86_64";

/// A program in a folder that states this version.
fn program(folder: &Path, version: &str) -> PathBuf {
    let path = folder.join("repro");
    fs::write(&path, format!("#!/bin/sh\necho repro {version}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

fn pack(program: &Path, platform: &str, out: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/wheel.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(program).args(["--platform", platform, "--out"]).arg(out);
    command.env_remove("SOURCE_DATE_EPOCH").output().unwrap()
}

/// The wheel, after it was packed.
fn wheel(folder: &Path, out: &str) -> PathBuf {
    let packed = pack(&program(folder, VERSION), PLATFORM, &folder.join(out));
    assert!(packed.status.success(), "{packed:?}");
    PathBuf::from(String::from_utf8(packed.stdout).unwrap().trim())
}

#[test]
fn a_wheel_has_the_program_and_the_hash_of_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = wheel(folder.path(), "dist");
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(name, format!("repro-{VERSION}-py3-none-{PLATFORM}.whl"));
    let mut archive = zip::ZipArchive::new(fs::File::open(&path).unwrap()).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let mut text = |name: &str| {
        let (mut text, mut entry) = (String::new(), archive.by_name(name).unwrap());
        entry.read_to_string(&mut text).unwrap();
        (text, entry.unix_mode().unwrap())
    };
    let (data, info) = (format!("repro-{VERSION}.data"), format!("repro-{VERSION}.dist-info"));
    let (packed, mode) = text(&format!("{data}/scripts/repro"));
    assert!(packed.starts_with("#!/bin/sh") && mode & 0o777 == 0o755, "{mode:o}");
    let (tags, _) = text(&format!("{info}/WHEEL"));
    assert_eq!(tags.matches("\nTag: py3-none-").count(), 2, "{tags}");
    let (metadata, _) = text(&format!("{info}/METADATA"));
    assert!(metadata.contains(&format!("\nName: repro\nVersion: {VERSION}\n")), "{metadata}");
    let (record, _) = text(&format!("{info}/RECORD"));
    assert_eq!(record.lines().count(), names.len());
    for line in record.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let &[name, digest, size] = &fields[..] else { panic!("{line}") };
        if name.ends_with("/RECORD") {
            assert_eq!((digest, size), ("", ""));
            continue;
        }
        let (text, _) = text(name);
        let sha256 = URL_SAFE_NO_PAD.encode(Sha256::digest(&text));
        assert_eq!((digest, size), (&*format!("sha256={sha256}"), &*text.len().to_string()));
    }
}

#[test]
fn the_same_program_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|out| fs::read(wheel(folder.path(), out)).unwrap());
    assert!(one == other);
}

#[test]
fn pip_installs_the_program_and_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("dist");
    let architecture = std::env::consts::ARCH;
    let packed = pack(&program(folder.path(), VERSION), &format!("linux_{architecture}"), &out);
    if !cfg!(target_os = "linux") {
        return;
    }
    let path = String::from_utf8(packed.stdout).unwrap();
    let environment = folder.path().join("environment");
    let venv = Command::new("python3").args(["-m", "venv"]).arg(&environment).output().unwrap();
    assert!(venv.status.success(), "{venv:?}");
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--no-index", "--no-deps", path.trim()]);
    let installed = pip.output().unwrap();
    assert!(installed.status.success(), "{installed:?}");
    let ran = Command::new(environment.join("bin/repro")).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), format!("repro {VERSION}\n"));
}

#[test]
fn what_is_no_program_of_this_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("dist");
    let old = program(folder.path(), "0.0.1");
    let code = |output: &Output| output.status.code().unwrap();
    let refused = pack(&old, PLATFORM, &out);
    assert_eq!(code(&refused), 66);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("`repro 0.0.1`, not"), "{refused:?}");
    assert_eq!(code(&pack(&folder.path().join("nowhere"), PLATFORM, &out)), 66);
    assert_eq!(code(&pack(&old, "windows", &out)), 64);
    assert!(!out.exists());
}
