//! Workers from the command line: they share a ledger, leave when time is short, and release their
//! leases when a scheduler ends them.

use std::{process::Stdio, thread, time::Duration};

use repro::store::{Lease, Ledger};

use super::{Sandbox, code, entries, err};

fn leases(sandbox: &Sandbox) -> usize {
    let ledger = Ledger::new(sandbox.ledger());
    Lease::list(&ledger, &mut |file| panic!("{file:?}")).unwrap().len()
}

const WORK: [&str; 4] = ["work", "--threads", "1", "--leave"];

#[test]
fn two_workers_leave_the_records_that_one_command_leaves() {
    let [shared, alone] = [Sandbox::new("\"kmnist\"", 2), Sandbox::new("\"kmnist\"", 2)];
    let started: Vec<_> = ["one", "other"]
        .map(|name| {
            let mut command = shared.command(&[&WORK[..], &["--worker", name]].concat());
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .into_iter()
        .collect();
    for worker in started {
        let ended = worker.wait_with_output().unwrap();
        assert_eq!(code(&ended), 0, "{}", err(&ended));
        assert!(err(&ended).contains("to run"), "{}", err(&ended));
    }
    alone.verify();
    let (shared_entries, alone) = (entries(&shared.ledger()), entries(&alone.ledger()));
    assert_eq!(shared_entries.len(), 4);
    for (id, entry) in &alone {
        assert!(entry.agrees_with(&shared_entries[id]), "{id}");
    }
    assert_eq!(leases(&shared), 0);
    let again = shared.run(&WORK);
    assert_eq!((code(&again), &*err(&again)), (0, ""));
}

#[test]
fn a_worker_without_time_for_anything_says_so_and_runs_nothing() {
    let sandbox = Sandbox::new("\"kmnist\"", 2);
    let ended = sandbox.run(&[&WORK[..], &["--for", "1m"]].concat());
    assert_eq!(code(&ended), 75, "{}", err(&ended));
    assert!(err(&ended).contains("nothing was run: 4 fine-tunes left"), "{}", err(&ended));
    assert!(err(&ended).contains("--margin"), "{}", err(&ended));
    assert_eq!(entries(&sandbox.ledger()).len(), 0);
}

#[test]
fn a_worker_that_is_ended_releases_its_leases() {
    let sandbox = Sandbox::new("\"kmnist\"", 3);
    let mut command = sandbox.command(&WORK);
    let worker = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    while leases(&sandbox) == 0 {
        thread::sleep(Duration::from_millis(20));
    }
    // SAFETY: it is a child of this process that was not waited for.
    assert_eq!(unsafe { libc::kill(worker.id() as libc::pid_t, libc::SIGTERM) }, 0);
    let ended = worker.wait_with_output().unwrap();
    assert_eq!(code(&ended), 130, "{}", err(&ended));
    assert_eq!(leases(&sandbox), 0);
    assert!(entries(&sandbox.ledger()).len() < 6);
}
