//! The parts of `repro verify --evidence published`: unpacking and reading 29,445 rows, checking the
//! specs, judging every claim.

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

criterion_group!(benches, reading, judging);
criterion_main!(benches);
