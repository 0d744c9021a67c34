"""Draws mutants with a fixed seed, and counts how many the tests catch, in one build.

    python3 scripts/mutants.py --count 400 --seed 1
    python3 scripts/mutants.py --only 'quantify|after_holm'    # all whose name has a match

`cargo mutants --list` (cargo-mutants 27, `.cargo/mutants.toml`) says which mutants there are. It
builds the program again for each of them; here a function with mutants becomes

    if mutant::is(17) { MUTATED BODY } else if mutant::is(18) { ... } else { BODY }

and `MUTANT=17` in the environment chooses one when the tests run. A mutant that does not compile is
taken out and counted apart (as cargo-mutants does: unviable), as is one in a function that can't be
written like this (`const fn`, or one that returns `impl Trait`): cargo-mutants has to run those. A
mutant is caught by a failing test or by ten times the time that the tests take without it.

Works on a copy of the last commit in target/mutants. Tests: --lib and --test core, first those of
the mutated module, then, on the mutants that these miss, all others that can reach it. Output: a
line for each mutant that is missed, then the counts; target/mutants/results.json has all. The
commit that is tested must pass its tests.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "mutants"
TREE = WORK / "tree"
BUILD = ["--no-default-features", "--locked"]
# Of the program alone: what it depends on is built as ever.
ENVIRONMENT = {
    "CARGO_TARGET_DIR": str(ROOT / "target"),
    "CARGO_PROFILE_DEV_DEBUG": "0",
    # Simulations take most of the time of these tests.
    "CARGO_PROFILE_DEV_OPT_LEVEL": "1",
}
# Tests of a module's own, in the library and in the test program `core`.
OWN = {
    "stats": (["stats::"], ["statistics::"]),
    "judge": (["judge::"], ["judge::"]),
    "plan": (["plan::"], ["plan::", "curve::", "work::"]),
    "store": (["store::"], ["ledger::", "bundle::", "frozen::", "lease::", "failed::"]),
}
# All tests that can reach a mutated module, but those in a browser, which take a minute: what
# reads checkpoints, images and downloads can't.
OTHERS = [
    ["judge::", "statistics::", "after_stopping::", "ledger::", "bundle::", "frozen::", "specs::"],
    ["statistics_properties::", "judge_properties::", "plan::", "curve::", "source_models::"],
    ["work::", "lease::", "failed::", "records::", "scale::"],
    ["study::", "logs::", "published::", "forms::", "fingerprint::", "report::", "page::"],
    ["simulations::", "gallery::"],
]
# How many mutants are taken through all tests together.
AT_A_TIME = 25
# Appended to the library of the copy.
CHOSEN = """
#[doc(hidden)]
pub mod mutant {
    #[must_use]
    pub fn is(number: u32) -> bool {
        static CHOSEN: std::sync::OnceLock<Option<u32>> = std::sync::OnceLock::new();
        let read = || std::env::var("MUTANT").ok()?.parse().ok();
        *CHOSEN.get_or_init(read) == Some(number)
    }
}
"""
LEXEME = re.compile(
    r'//[^\n]*|/\*.*?\*/|b?r(#*)".*?"\1|b?"(?:\\.|[^"\\])*"|b?\'(?:\\.[^\']*|[^\'\\])\'|[{}]', re.S
)


def offset(lines, place):
    """The position in the text of a line and column, both counted from 1."""
    return lines[place["line"] - 1] + place["column"] - 1


def body(text, start, end):
    """The braces around the body of the function in this range, or None without a body."""
    opened, last = [], None
    for found in LEXEME.finditer(text, start, end):
        if found[0] == "{":
            opened.append(found.start())
        elif found[0] == "}":
            last = (opened.pop(), found.end())
    return last if last and last[1] == end else None


def schemata(text, mutants):
    """The text with all of these mutants, and those that can't be written."""
    lines = [0]
    for line in text.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    bodies, left_out = {}, []
    for number, mutant in mutants:
        span = (mutant.get("function") or {}).get("span")
        found = span and body(text, offset(lines, span["start"]), offset(lines, span["end"]))
        head = found and text[offset(lines, span["start"]):found[0]]
        if not found or re.search(r"\bconst\s+(unsafe\s+)?fn\b|->\s*impl\b|->.*\bimpl ", head):
            left_out.append(number)
            continue
        at = [offset(lines, mutant["span"][end]) for end in ("start", "end")]
        # A function within a function: its mutants are mutants of the outer one.
        outer = [other for other in bodies if other[0] <= found[0] and found[1] <= other[1]]
        inner = [other for other in bodies if found[0] < other[0] and other[1] < found[1]]
        own = bodies.setdefault(outer[0] if outer else found, [])
        for other in inner:
            own.extend(bodies.pop(other))
        own.append((number, at, mutant["replacement"]))
    for (start, end), own in sorted(bodies.items(), reverse=True):
        whole = text[start:end]
        arms = []
        for number, (first, last), replacement in own:
            within = text[start:first] + replacement + text[last:end]
            # Replacements of a whole body may come with or without its braces.
            within = within if within.startswith("{") else "{" + within + "}"
            arms.append(f"if crate::mutant::is({number}) /*@{number}*/ {within} /*@end*/ else ")
        text = text[:start] + "{" + "".join(arms) + whole + "}" + text[end:]
    return text, left_out


def write_tree(files, chosen):
    """Writes the copy with these mutants; returns those that can't be written."""
    left_out = []
    for file, original in files.items():
        own = [(number, mutant) for number, mutant in chosen.items() if mutant["file"] == file]
        text, out = schemata(original, own)
        left_out += out
        if (TREE / file).read_text() != text:
            (TREE / file).write_text(text)
    return left_out


def mutant_at(file, line):
    """The number of the mutant that a line of the copy belongs to, or None."""
    before = "\n".join((TREE / file).read_text().split("\n")[:line])
    marks = re.findall(r"/\*@(\d+|end)\*/", before)
    return int(marks[-1]) if marks and marks[-1] != "end" else None


def build(files, chosen):
    """Builds the copy without mutants that do not compile; returns the two test programs."""
    unviable, left_out = [], []
    while True:
        for number in write_tree(files, chosen):
            left_out.append(number)
            del chosen[number]
        command = ["cargo", "test", *BUILD, "--lib", "--test", "core", "--no-run"]
        ran = subprocess.run(
            [*command, "--message-format", "json"], cwd=TREE, capture_output=True, text=True,
            env=os.environ | ENVIRONMENT,
        )
        messages = [json.loads(line) for line in ran.stdout.splitlines() if line[:1] == "{"]
        if ran.returncode == 0:
            made = {of["target"]["name"]: of["executable"] for of in messages
                    if of.get("executable") and of["profile"]["test"]}
            return unviable, left_out, [made["repro"], made["core"]]
        bad = set()
        for message in messages:
            of = message.get("message") or {}
            if of.get("level") == "error":
                for span in of["spans"]:
                    bad.add(mutant_at(span["file_name"], span["line_start"]))
        bad.discard(None)
        if not bad:
            sys.exit(ran.stderr + "\nfailed to build the mutants: no mutant is at fault")
        print(f"{len(bad)} do not compile", file=sys.stderr)
        for number in bad:
            unviable.append(number)
            del chosen[number]


def passes(program, arguments, mutant, limit):
    """Whether the tests pass, ended at the first failure; and the seconds that they took."""
    began = time.monotonic()
    environment = os.environ | {"INSTA_UPDATE": "no", "NO_COLOR": "1"}
    # Or what one mutant fails on is tried again, and may fail, with the next.
    environment["PROPTEST_DISABLE_FAILURE_PERSISTENCE"] = "1"
    if mutant is not None:
        environment["MUTANT"] = str(mutant)
    ran = subprocess.Popen(
        ["timeout", str(limit), program, "--test-threads=1", "--skip=in_a_browser", *arguments],
        cwd=TREE, text=True, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )
    failed = False
    for line in ran.stdout:
        if line.rstrip().endswith("... FAILED"):
            failed = True
            ran.terminate()
            break
    ran.stdout.close()
    failed = ran.wait() != 0 or failed
    return not failed, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="in place of a sample: names by a regular expression")
    parser.add_argument("--own", action="store_true", help="ask the module's own tests alone")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this time")
    asked = parser.parse_args()
    began = time.monotonic()

    WORK.mkdir(parents=True, exist_ok=True)
    subprocess.run(["rm", "-rf", TREE], check=True)
    TREE.mkdir()
    archive = subprocess.Popen(["git", "archive", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE)
    subprocess.run(["tar", "x", "-C", TREE], stdin=archive.stdout, check=True)
    listed = subprocess.run(
        ["cargo", "mutants", "--list", "--json"], cwd=TREE, check=True, capture_output=True
    )
    every = json.loads(listed.stdout)
    # A smaller sample with the same seed is the beginning of a larger one.
    drawn = list(range(len(every)))
    random.Random(asked.seed).shuffle(drawn)
    if asked.only:
        drawn = [number for number in drawn if re.search(asked.only, every[number]["name"])]
    else:
        drawn = drawn[:asked.count]
    chosen = {number: every[number] for number in drawn}
    order = list(chosen)
    names = {number: mutant["name"] for number, mutant in chosen.items()}
    print(f"{len(order)} of {len(every)} mutants", file=sys.stderr)

    with open(TREE / "src/lib.rs", "a") as library:
        library.write(CHOSEN)
    files = {mutant["file"]: (TREE / mutant["file"]).read_text() for mutant in chosen.values()}
    unviable, left_out, (library, core) = build(files, chosen)

    def stages_of(file):
        of_library, of_core = OWN[Path(file).parts[1]]
        own = [(library, of_library), (core, of_core)]
        return own + [(core, stage) for stage in OTHERS] + [(library, [])]

    took = {}

    def limit(program, tests):
        """Ten times the seconds that these tests take without a mutant, and some more."""
        name = f"{Path(program).name} {' '.join(tests)}"
        if name not in took:
            passed, took[name] = passes(program, tests, None, 3600)
            print(f"without a mutant: {name}: {took[name]:.0f} s", file=sys.stderr)
            if not passed:
                sys.exit(f"the tests fail without a mutant: {name}")
        return int(10 * took[name] + 30)

    caught, missed = [], []
    viable = [number for number in order if number in chosen]
    waiting = list(viable)
    # Several at a time, so that all of these are asked by every test when the time is over.
    while waiting and time.monotonic() - began < 60 * asked.minutes:
        left, waiting = waiting[:AT_A_TIME], waiting[AT_A_TIME:]
        for stage in range(2 if asked.own else 2 + len(OTHERS) + 1):
            survivors = []
            for number in left:
                program, tests = stages_of(chosen[number]["file"])[stage]
                passed, _ = passes(program, tests, number, limit(program, tests))
                (survivors if passed else caught).append(number)
            left = survivors
            print(f"stage {stage}: {len(caught)} caught, {len(left)} not yet", file=sys.stderr)
        missed += left
        for number in left:
            print(f"missed: {names[number]}", flush=True)
    results = {"listed": len(every), "drawn": len(order), "seed": asked.seed}
    for what, of in [("caught", caught), ("missed", missed), ("unviable", unviable),
                     ("left_out", left_out), ("not_run", waiting)]:
        results[what] = sorted(names[number] for number in of)
    (WORK / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    ran = len(caught) + len(missed)
    print(f"{len(order)} drawn of {len(every)} with seed {asked.seed}: {ran} ran, {len(caught)} "
          f"caught, {len(missed)} missed; {len(unviable)} do not compile, {len(left_out)} can't be "
          f"built in, {len(waiting)} not run")


if __name__ == "__main__":
    main()
