//! Leases: one worker at a time runs a trial, the trial of one that is gone is taken over, and one
//! that was stopped removes nothing of another's.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
    time::{Duration, SystemTime},
};

use repro::store::{Damaged, DeviceFault, Lease, Leased, Ledger, Put, Worker};

const ID: &str = "3f00000000000000000000000000000000000000000000000000000000000001";

fn ledger() -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(folder.path().to_owned());
    (folder, ledger)
}

fn worker(name: &str) -> Worker {
    Worker::new(name, None).unwrap()
}

fn take(ledger: &Ledger, worker: &Worker) -> Option<Lease> {
    Lease::take(ledger, worker, ID).unwrap()
}

fn file(folder: &Path) -> PathBuf {
    folder.join(format!("leases/3f/{ID}.json"))
}

fn aged(path: &Path, seconds: u64) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

fn list(ledger: &Ledger) -> (Vec<Leased>, Vec<Damaged>) {
    let mut damaged = Vec::new();
    let leases = Lease::list(ledger, &mut |file| damaged.push(file)).unwrap();
    (leases, damaged)
}

/// The names of all files below a folder, without folders.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The lease of a process that is gone: its file without its lock, as of another machine if `host`
/// is not this one.
fn abandoned(ledger: &Ledger, worker: &Worker) {
    let lease = take(ledger, worker).unwrap();
    let bytes = fs::read(file(ledger.folder())).unwrap();
    lease.release();
    fs::write(file(ledger.folder()), bytes).unwrap();
}

/// The temporary files beside the records of this ledger.
fn rooms(ledger: &Ledger) -> Vec<PathBuf> {
    files(&ledger.folder().join("entries"))
}

/// A full disk is found before hours of work, not after them.
#[test]
fn a_lease_has_room_on_disk_for_the_record_of_its_trial() {
    use crate::ledger::{entry, finished};
    use std::os::unix::fs::MetadataExt;

    let (_folder, ledger) = ledger();
    let entry = entry(1, finished(&[1.0], 50.0, vec![true]));
    let take = || Lease::take(&ledger, &worker("one"), &entry.id).unwrap().unwrap();
    take().release();
    assert_eq!(rooms(&ledger), Vec::<PathBuf>::new());

    let lease = take();
    let room = fs::metadata(&rooms(&ledger)[0]).unwrap();
    assert_eq!(room.len(), 16 << 10);
    assert!(ledger.all(&mut |file| panic!("{file:?}")).unwrap().is_empty());
    assert_eq!(ledger.put_leased(&entry, &lease).unwrap(), Put::Stored);
    let record = rooms(&ledger);
    assert_eq!(record.len(), 1, "{record:?}");
    assert_eq!(fs::metadata(&record[0]).unwrap().ino(), room.ino(), "it is in another place");
    assert_eq!(ledger.put_leased(&entry, &lease).unwrap(), Put::There);
    lease.release();
    assert_eq!(rooms(&ledger), record);
    let found = ledger.get(&entry.id, &mut |file| panic!("{file:?}")).unwrap();
    assert_eq!(found, Some(entry));
}

#[test]
fn a_record_is_written_where_its_room_is_gone() {
    use crate::ledger::{entry, finished};
    let (_folder, ledger) = ledger();
    let entry = entry(1, finished(&[1.0], 50.0, vec![true]));
    let lease = Lease::take(&ledger, &worker("one"), &entry.id).unwrap().unwrap();
    fs::remove_file(&rooms(&ledger)[0]).unwrap();
    assert_eq!(ledger.put_leased(&entry, &lease).unwrap(), Put::Stored);
    assert_eq!(ledger.all(&mut |file| panic!("{file:?}")).unwrap(), [entry]);
}

#[test]
fn nothing_is_begun_without_room_for_the_record() {
    let (folder, ledger) = ledger();
    fs::create_dir(folder.path().join("entries")).unwrap();
    fs::write(folder.path().join("entries/3f"), "").unwrap();
    let error = Lease::take(&ledger, &worker("one"), ID).unwrap_err();
    assert!(error.is_about_writing() && error.to_string().contains("entries/3f"), "{error}");
    fs::remove_file(folder.path().join("entries/3f")).unwrap();
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new(), "nothing is left");
    assert!(Lease::take(&ledger, &worker("other"), ID).unwrap().is_some());
}

#[test]
fn one_worker_has_the_lease_until_it_is_released() {
    let (folder, ledger) = ledger();
    let (one, other) = (Worker::new("one", Some("12_3")).unwrap(), worker("other"));
    let lease = take(&ledger, &one).unwrap();
    assert!(take(&ledger, &other).is_none() && take(&ledger, &one).is_none());
    let text = fs::read_to_string(file(folder.path())).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let (worker, job) = (&json["worker"], &json["job"]);
    assert_eq!((worker, job), (&"one".into(), &"12_3".into()), "{text}");
    assert_eq!((&json["version"], &json["trial"]), (&1.into(), &ID.into()));
    assert_eq!(json["pid"], std::process::id());
    assert!(json["started"].is_u64() && json["heartbeat"].is_u64() && json["host"].is_string());
    let (leases, damaged) = list(&ledger);
    assert_eq!((leases.len(), damaged), (1, vec![]));
    assert_eq!((&*leases[0].holder.worker, leases[0].stale), ("one", false));
    assert!(leases[0].silent < Duration::from_secs(60), "{leases:?}");
    assert!(lease.renew().unwrap());
    lease.release();
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
    assert!(take(&ledger, &other).is_some());
}

/// The lock of this machine says that its process is gone.
#[test]
fn the_lease_of_a_dead_process_of_this_machine_is_taken_at_once() {
    let (folder, ledger) = ledger();
    abandoned(&ledger, &worker("dead"));
    let lease = take(&ledger, &worker("alive")).unwrap();
    assert_eq!(list(&ledger).0[0].holder.worker, "alive");
    lease.release();
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_lease_of_another_machine_is_respected_until_ten_heartbeats_are_missed() {
    let (folder, ledger) = ledger();
    abandoned(&ledger, &worker("far").on_host("far"));
    let here = worker("here");
    for (seconds, is_stale) in [(0, false), (290, false), (310, true)] {
        aged(&file(folder.path()), seconds);
        let (leases, _) = list(&ledger);
        assert_eq!(leases[0].stale, is_stale, "{leases:?}");
        assert_eq!(take(&ledger, &here).is_some(), is_stale, "after {seconds} s");
    }
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

/// Its record stays the same, and it takes nothing from the worker that took over.
#[test]
fn a_stopped_worker_that_wakes_leaves_the_lease_of_another_alone() {
    let (folder, ledger) = ledger();
    let (slow, quick) = (worker("slow"), worker("quick"));
    let stopped = take(&ledger, &slow).unwrap();
    assert!(take(&ledger, &quick).is_none());
    aged(&file(folder.path()), 400);
    let lease = take(&ledger, &quick).unwrap();
    assert!(!stopped.renew().unwrap(), "it was taken over");
    stopped.release();
    assert!(lease.renew().unwrap());
    assert_eq!(list(&ledger).0[0].holder.worker, "quick");
    assert!(take(&ledger, &slow).is_none());
    lease.release();
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

/// By the clock of its file system the lease is from the future.
#[test]
fn a_lease_without_heartbeat_is_taken_after_the_clock_was_set_back() {
    let (folder, ledger) = ledger();
    abandoned(&ledger, &worker("far").on_host("far"));
    let future = SystemTime::now() + Duration::from_secs(3600);
    let open = File::options().write(true).open(file(folder.path())).unwrap();
    open.set_modified(future).unwrap();
    let here = worker("here").with_beat(Duration::from_millis(20));
    assert!(take(&ledger, &here).is_none());
    thread::sleep(Duration::from_millis(250));
    assert!(take(&ledger, &here).is_some());
}

#[test]
fn heartbeats_keep_a_lease() {
    let (_folder, ledger) = ledger();
    let beat = Duration::from_millis(50);
    let far = worker("far").on_host("far").with_beat(beat);
    let here = worker("here").with_beat(beat);
    let lease = take(&ledger, &far).unwrap();
    for _ in 0..15 {
        thread::sleep(beat);
        assert!(take(&ledger, &here).is_none());
    }
    assert!(lease.renew().unwrap());
}

/// What a stranger may have put there: it is reported, blocks its trial for ten heartbeats, and is
/// never believed.
#[test]
fn a_file_that_is_no_lease_is_reported_and_taken_over_when_it_is_old() {
    let (folder, ledger) = ledger();
    let lease = take(&ledger, &worker("one")).unwrap();
    let whole = fs::read_to_string(file(folder.path())).unwrap();
    lease.release();
    let with = |field: &str, value: &str| {
        let mut json: serde_json::Value = serde_json::from_str(&whole).unwrap();
        json[field] = serde_json::from_str(value).unwrap();
        json.to_string()
    };
    let cases = [
        String::new(),
        whole[..whole.len() - 3].to_owned(),
        " ".repeat(100_000),
        "[".repeat(10_000),
        with("version", "2"),
        with("trial", &format!("\"{}\"", "0".repeat(64))),
        with("worker", "\"a\\u001b[31m\""),
        with("worker", "\"\""),
        with("host", "\"a\\nb\""),
        with("job", &format!("\"{}\"", "x".repeat(1000))),
        with("pid", "-1"),
        with("heartbeat", "1e300"),
    ];
    for text in cases {
        fs::write(file(folder.path()), &text).unwrap();
        let (leases, damaged) = list(&ledger);
        let start: String = text.chars().take(80).collect();
        assert_eq!((leases, damaged.len()), (vec![], 1), "{start}");
        assert!(take(&ledger, &worker("two")).is_none(), "{start}");
        aged(&file(folder.path()), 400);
        assert!(take(&ledger, &worker("two")).is_some(), "{start}");
        assert_eq!(files(folder.path()), Vec::<PathBuf>::new(), "{start}");
    }
    fs::write(folder.path().join("leases/3f/notes.txt"), "").unwrap();
    assert_eq!(list(&ledger).1.len(), 1);
}

#[test]
fn a_worker_has_a_name_that_can_be_shown() {
    for name in ["", " a", "a\u{1b}[0m", "a\nb", &"x".repeat(201)] {
        assert!(Worker::new(name, None).is_err(), "{name:?}");
    }
    assert!(Worker::new("node7 gpu 0", None).is_ok());
    assert_ne!(Worker::of_process().name(), "");
}

#[test]
fn no_two_workers_hold_a_lease_at_once() {
    let (folder, ledger) = ledger();
    let ids: Vec<String> = (0..8).map(|id| format!("{id:064x}")).collect();
    let held: Mutex<BTreeMap<&str, usize>> = Mutex::default();
    let taken = Mutex::new(0);
    thread::scope(|scope| {
        for number in 0..8 {
            let (ledger, ids, held, taken) = (&ledger, &ids, &held, &taken);
            scope.spawn(move || {
                let worker = worker(&format!("worker {number}"));
                for round in 0..40 {
                    let id = &ids[(number * 5 + round) % ids.len()];
                    let Some(lease) = Lease::take(ledger, &worker, id).unwrap() else { continue };
                    let count = |change: isize| {
                        let mut held = held.lock().unwrap();
                        let now = held.entry(id).or_default();
                        *now = now.checked_add_signed(change).unwrap();
                        *now
                    };
                    assert_eq!(count(1), 1, "{id} is held twice");
                    *taken.lock().unwrap() += 1;
                    thread::yield_now();
                    count(-1);
                    drop(lease);
                }
            });
        }
    });
    assert!(*taken.lock().unwrap() >= 40, "{taken:?}");
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

#[test]
fn faults_of_devices_are_counted_by_host_within_an_hour() {
    let (folder, ledger) = ledger();
    let recent = |host: &str| DeviceFault::recent(&ledger, host).unwrap();
    assert_eq!(recent("near"), vec![]);
    let near = worker("one").on_host("near");
    DeviceFault::note(&ledger, &near, "CUDA error: unspecified launch failure").unwrap();
    DeviceFault::note(&ledger, &worker("two").on_host("far/../away"), "CUDA error").unwrap();
    assert_eq!(
        (recent("near").len(), recent("far/../away").len(), recent("away").len()),
        (1, 1, 0)
    );
    assert_eq!(recent("near")[0].worker, "one");
    // Lines of strangers, of another host, and of another hour do not count.
    let file = folder.path().join("faults/near.jsonl");
    let line = fs::read_to_string(&file).unwrap();
    let mut old: serde_json::Value = serde_json::from_str(&line).unwrap();
    old["time"] = (old["time"].as_u64().unwrap() - 4000).into();
    let far = line.replace("\"near\"", "\"far\"");
    let strange = line.replace("\"one\"", "\"\\u001b[31m\"");
    fs::write(&file, format!("x\n{old}\n{far}{strange}{{}}\n{line}{}", &line[..20])).unwrap();
    assert_eq!(recent("near").len(), 1);
    let before = fs::read_dir(folder.path().join("faults")).unwrap().count();
    assert_eq!(before, 2, "no file outside the folder");
}
