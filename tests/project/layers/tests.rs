//! Each rule finds what it forbids, and only that.

use super::{rules::*, source::*, *};

fn files(sources: &[(&str, &str)]) -> Vec<File> {
    taken_apart(sources.iter().map(|(path, text)| (path.into(), (*text).to_owned())).collect())
}

fn code(text: &str) -> String {
    Lexer::split(text).0
}

/// The lines and texts of the literals.
fn literals(text: &str) -> Vec<(usize, String)> {
    Lexer::split(text).1.into_iter().map(|literal| (literal.line, literal.text)).collect()
}

fn words(text: &str) -> Vec<String> {
    tokens(&code(text)).into_iter().map(|token| token.text).collect()
}

/// The findings without what follows the line.
fn places(findings: &[String]) -> Vec<&str> {
    findings.iter().map(|finding| finding.split(": ").next().unwrap()).collect()
}

#[test]
fn comments_are_blanked_and_lines_are_kept() {
    assert_eq!(words("a // b\n/// c \"\n//! d\ne"), ["a", "e"]);
    assert_eq!(words("a /* b /* c */ d\n */ e /**/ f"), ["a", "e", "f"]);
    assert_eq!(code("a /* b\nc */ d"), "a     \n     d");
    assert_eq!(words("a / b * c"), ["a", "/", "b", "*", "c"]);
    assert_eq!(words("a /* never closed"), ["a"]);
}

#[test]
fn string_literals_are_set_aside_with_their_lines() {
    assert_eq!(literals("a(\"b\",\n \"// c\")"), [(1, "b".into()), (2, "// c".into())]);
    assert_eq!(words("a(\"b // c\", d)"), ["a", "(", ",", "d", ")"]);
    assert_eq!(literals(r#"("a\"b", "\\", "c")"#).len(), 3);
    assert_eq!(literals(r#""a\nb""#), [(1, "a  b".into())]);
    assert_eq!(literals("\"a \\\n  b\" \"c\""), [(1, "a  \n  b".into()), (2, "c".into())]);
    assert_eq!(
        literals("b\"a\" c\"b\" \"never closed"),
        [(1, "a".into()), (1, "b".into()), (1, "never closed".into())]
    );
}

#[test]
fn raw_strings_end_at_as_many_hashes() {
    let text = "r\"a\\\" br#\"b \"quoted\" c\"# r##\"d \"# e\n\"## f";
    let expected = [(1, "a\\".into()), (1, "b \"quoted\" c".into()), (1, "d \"# e\n".into())];
    assert_eq!(literals(text), expected);
    assert_eq!(words(text).last().unwrap(), "f");
    assert_eq!(literals("for \"a\" in r#type"), [(1, "a".into())]);
}

#[test]
fn characters_and_lifetimes_are_distinguished() {
    let text = "('\"') ('\\'') ('\\\\') ('\\u{22}') (b'\"') (\"b\") c";
    assert_eq!(words(text).concat(), "()()()()(b)()c");
    assert_eq!(words("('/', '/') ('{', '*')").concat(), "(,)(,)");
    assert_eq!(words("<'a, 'b>(x: &'a str)").join(" "), "< ' a , ' b > ( x : & ' a str )");
    assert_eq!(literals("fn a<'a>() -> &'a str { \"b\" }"), [(1, "b".into())]);
}

#[test]
fn a_use_against_the_order_is_found_in_every_form() {
    for (line, text) in [
        (1, "use crate::engine::Device;"),
        (1, "pub use crate::engine;"),
        (2, "use crate::{\n    engine::{Device, device::{self, Other}},\n};"),
        (1, "use crate::{util::Hint, {stats::Sample, engine as fine}};"),
        (2, "\nfn f() -> crate::engine::Device { todo!() }"),
        (1, "fn f() { json!({ \"a\": crate::engine::f::<u8>() }) }"),
        (1, "macro_rules! f { () => { $crate::engine::f() } }"),
        (1, "macro_rules! f { () => { use $crate::{util, engine}; } }"),
        (1, "use ::repro::engine::Device;"),
        (1, "use super::engine::Device;"),
        (1, "mod inner { use super::super::engine; }"),
        (1, "mod inner {} use super::engine;"),
        (1, "use crate::*;"),
        (1, "use crate::{self as root};"),
        (1, "use super::*;"),
        (1, "use crate::no_module::Thing;"),
        (1, "#[cfg(test)] use crate::util; mod inner { use crate::engine; }"),
        (1, "#[cfg(test)] mod tests { fn f() {} } use super::engine;"),
        (1, "fn f() -> impl A + use<'a> { crate::engine::f() }"),
    ] {
        let found = against_the_order(&files(&[("src/world/mod.rs", text)]));
        let place = format!("src/world/mod.rs:{line}");
        assert!(
            !found.is_empty() && places(&found).iter().all(|at| *at == place),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn paths_are_resolved_by_the_module_of_their_file() {
    let climbing = "use super::super::cli::Failure;";
    for path in ["src/world/own.rs", "src/world/own/mod.rs"] {
        let expected = format!(
            "{path}:1: `world` uses `cli`, which comes before it (`super::super::cli::Failure`)"
        );
        assert_eq!(against_the_order(&files(&[(path, climbing)])), [expected]);
    }
    let root = against_the_order(&files(&[("src/world/mod.rs", "use crate::{self as root};")]));
    assert_eq!(root, ["src/world/mod.rs:1: `crate::self` names the crate's root: name the module"]);
    let deeper = [("src/world/own/names.rs", climbing), ("src/world/own.rs", "use super::cli::A;")];
    assert_none(&against_the_order(&files(&deeper)));
}

#[test]
fn uses_in_order_in_tests_in_comments_and_in_literals_are_allowed() {
    assert_none(&against_the_order(&files(&[
        ("src/world/mod.rs", "use crate::{data::Images, util::hex}; use crate::world::own;"),
        ("src/claim/raw.rs", "macro_rules! f { () => { use $crate::{util, world}; } }"),
        ("src/stats.rs", "// crate::cli\n/* use crate::cli; */ const A: &str = \"crate::cli\";"),
        ("src/util/mod.rs", "pub(crate) use self::hex::of; use std::{fs, io}; use super::util::a;"),
        ("src/util/hex.rs", "#[cfg(test)]\nmod tests {\n    use crate::cli;\n    use super::*;\n}"),
        ("src/lib.rs", "pub mod world; pub use world::World;"),
        ("src/main.rs", "use crate::anything;"),
        ("src/bin/other.rs", "use repro::cli;"),
    ])));
}

#[test]
fn a_file_outside_the_modules_is_found() {
    let found = against_the_order(&files(&[("src/helpers.rs", ""), ("src/misc/mod.rs", "")]));
    assert_eq!(places(&found), ["src/helpers.rs:1", "src/misc/mod.rs:1"]);
}

#[test]
fn a_cycle_is_found_and_printed_with_its_places() {
    let mut sources = vec![
        ("src/assets/mod.rs", "use crate::{judge, util};"),
        ("src/judge/mod.rs", "use crate::claim;"),
        ("src/claim/mod.rs", "\nuse crate::world;"),
        ("src/world/own.rs", "use crate::util;"),
        ("src/util.rs", "#[cfg(test)] mod tests { use crate::assets; }"),
    ];
    assert_none(&cycle(&files(&sources)));
    sources[3].1 = "use crate::{judge, util};";
    let expected = "cycle: judge (by src/judge/mod.rs:1) -> claim (by src/claim/mod.rs:2) -> \
                    world (by src/world/own.rs:1) -> judge";
    assert_eq!(cycle(&files(&sources)), [expected]);
}

#[test]
fn modules_missing_from_the_list_or_the_crate_are_found() {
    let all: String = MODULES.iter().map(|module| format!("pub mod {module};\n")).collect();
    assert_none(&modules_of_the_crate(&files(&[("src/lib.rs", &all)])));
    let found = |text: &str| modules_of_the_crate(&files(&[("src/lib.rs", text)]));
    let one_more = found(&format!("{all}mod helpers {{ mod inner; }}"));
    assert_eq!(one_more, ["src/lib.rs:20: module `helpers` is not in the list of modules"]);
    let one_fewer = found(&all.replace("pub mod stats;", ""));
    assert_eq!(one_fewer, ["src/lib.rs:1: module `stats` of the list is missing"]);
    let three_more = found(&format!("{all}mod a; mod b; mod c;"));
    assert_eq!(three_more.last().unwrap(), "src/lib.rs:1: 22 modules, 20 at most");
    assert_eq!(modules_of_the_crate(&[]), ["src/lib.rs is missing"]);
}

#[test]
fn libtorch_outside_the_engine_is_found() {
    for text in ["use tch::Tensor;", "use {std::fs, tch};", "fn f(t: &tch::Tensor) {}"] {
        let found = libtorch_outside_engine(&files(&[("src/cli/run.rs", text)]));
        assert_eq!(found, ["src/cli/run.rs:1: `tch` outside src/engine/"], "{text}");
    }
    let found = libtorch_outside_engine(&files(&[("src/main.rs", "\ntorch_sys::f();")]));
    assert_eq!(places(&found), ["src/main.rs:2"]);
    let fine = [("src/engine/oom.rs", "use tch::Tensor;"), ("src/cli/run.rs", "// tch::\n\"tch\"")];
    assert_none(&libtorch_outside_engine(&files(&fine)));
}

#[test]
fn printing_outside_the_command_line_is_found() {
    for text in [
        "println!()",
        "eprintln!(\"a\")",
        "print!()",
        "eprint!()",
        "dbg!(a)",
        "use anstream::AutoStream;",
        "std::io::stdout().flush()",
        "use std::io::{self, stdout};",
        "stderr()",
        "let out = io::stdout;",
        "use clap::Parser;",
        "clap_complete::generate()",
        "#[cfg(test)] mod tests { fn f() { println!() } }",
    ] {
        for path in ["src/plan/mod.rs", "src/main.rs", "src/bin/other.rs"] {
            let found = printing_outside_cli(&files(&[(path, text)]));
            assert_eq!(places(&found), [format!("{path}:1")], "{text}");
        }
        assert_none(&printing_outside_cli(&files(&[("src/cli/run.rs", text)])));
    }
    let fine = "fn f() -> impl A + use<'a> { let stdout = child.stdout.take(); \
                command.stdout(a).stderr(b); write!(out, \"a\") }";
    assert_none(&printing_outside_cli(&files(&[("src/plan/mod.rs", fine)])));
}

#[test]
fn a_program_that_calls_more_than_the_command_line_is_found() {
    for path in ["src/main.rs", "src/bin/other.rs"] {
        for text in ["repro::engine::exit()", "use repro::{cli, plan};", "use repro::*;"] {
            let found = printing_outside_cli(&files(&[(path, text)]));
            assert_eq!(places(&found), [format!("{path}:1")], "{text}");
        }
    }
    let fine = "fn main() -> ExitCode { repro::cli::main() }";
    assert_none(&printing_outside_cli(&files(&[("src/main.rs", fine)])));
}

#[test]
fn a_command_line_outside_the_command_line_is_found() {
    for (text, words) in [
        ("see `repro anything`", "repro anything"),
        ("see `repro {command}`", "repro {"),
        ("or repro verify", "repro verify"),
        ("target/release/repro run", "repro run"),
        ("or repro \\\n fetch all", "repro fetch"),
        ("--data", "--data"),
        ("name it with --data", "--data"),
        ("take `--no-run`", "--no-run"),
        ("or\\n--device cpu", "--device"),
        ("say \\\"--device cpu\\\"", "--device"),
    ] {
        let source = format!("const A: &str = \"{text}\";");
        let found = commands_outside_cli(&files(&[("src/plan/mod.rs", &source)]), &[]);
        let expected = format!("src/plan/mod.rs:1: `{words}` is spelled outside src/cli/");
        assert_eq!(found, [expected], "{text}");
        assert_none(&commands_outside_cli(&files(&[("src/cli/run.rs", &source)]), &[]));
    }
}

#[test]
fn words_that_only_look_like_a_command_line_are_allowed() {
    for text in [
        "`repro`",
        "repro reads",
        "reprorun",
        "my-repro run",
        "a--b",
        "--",
        "--{name}",
        "-- a",
        "----a",
    ] {
        let source = format!("// `repro verify` --data\n/// --data\nf(\"{text}\", r#\"{text}\"#);");
        assert_none(&commands_outside_cli(&files(&[("src/plan/mod.rs", &source)]), &[]));
    }
}

#[test]
fn a_command_line_is_found_on_its_own_line() {
    let source = "f(\"one \\\n   two --data\n --ledger\", r\"\n--out\")";
    let found = commands_outside_cli(&files(&[("src/plan/mod.rs", source)]), &[]);
    let lines = ["src/plan/mod.rs:2", "src/plan/mod.rs:3", "src/plan/mod.rs:4"];
    assert_eq!(places(&found), lines);
}

#[test]
fn an_exception_that_allows_nothing_is_found() {
    let sources = [("src/a.rs", "f(\"gzip --test\")"), ("src/b.rs", "f(\"gzip --test\")")];
    let exceptions = [("src/a.rs", "--test", "gzip's"), ("src/c.rs", "--test", "gzip's")];
    let found = commands_outside_cli(&files(&sources), &exceptions);
    assert_eq!(
        found,
        [
            "src/b.rs:1: `--test` is spelled outside src/cli/",
            "src/c.rs: the exception for `--test` (gzip's) is not needed: delete it",
        ]
    );
}
