//! The parts of `repro verify --evidence published`: unpacking and reading 29,445 rows, checking the
//! specs, judging every claim; and reading long runs.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use repro::{
    claim::suite::Suite,
    evidence::{Evidence, published},
    judge::judge,
    world::World,
};

const RUNS: &[u8] = include_bytes!("../goldens/published/runs.csv.gz");

fn reading(criterion: &mut Criterion) {
    let text = published::unpack("runs", RUNS).expect("the bundled log can be unpacked");
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("unpack", |bencher| {
        bencher.iter(|| published::unpack("runs", black_box(RUNS)));
    });
    group.bench_function("rows to records", |bencher| {
        bencher.iter(|| published::read("runs", black_box(&text)));
    });
    group.finish();
}

/// The time a row must not depend on how many evaluations a run has.
fn long_runs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("evaluations a run");
    for evaluations in [1_000_u32, 10_000, 100_000] {
        let mut text = published::COLUMNS.join(",") + "\n";
        for source in ["natural", "l2_3"] {
            for epoch in 1..=evaluations {
                let accuracy = 50.0 + f64::from(epoch % 997) / 100.0;
                text +=
                    &format!("svhn,{source},3,100,1,{epoch},{accuracy:.2},1.5,60,1.2,{epoch}\n");
            }
        }
        group.throughput(Throughput::Elements(2 * u64::from(evaluations)));
        group.bench_function(evaluations.to_string(), |bencher| {
            bencher.iter(|| published::read("runs", black_box(text.as_bytes())));
        });
    }
    group.finish();
}

fn judging(criterion: &mut Criterion) {
    let world = World::paper();
    criterion.bench_function("check all claims", |bencher| {
        bencher.iter(|| Suite::embedded(black_box(&world)));
    });
    let suite = Suite::embedded(&world).expect("the bundled claims are valid");
    let evidence = Evidence::published().expect("the bundled log can be read");
    criterion.bench_function("judge all claims", |bencher| {
        bencher.iter(|| -> Vec<_> {
            suite.claims().iter().map(|claim| judge(claim, black_box(&evidence))).collect()
        });
    });
}

criterion_group!(benches, reading, long_runs, judging);
criterion_main!(benches);
