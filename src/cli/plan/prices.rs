//! What a plan costs, in short: what is needed next and at most, and the same by claim.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    super::progress::size,
    costs::{Trials, hours, parts},
    speed::{Basis, Pricing, Unusable},
};
use crate::{
    claim::Claim,
    evidence::Evidence,
    experiment::Precision,
    fetch::Catalogue,
    plan::{
        self,
        gpu::Gpu,
        price::{Price, Priced},
    },
    report::terminal,
    util::duration,
    world::World,
};

/// What is needed next, and what could be needed at most.
#[derive(Clone, Serialize, JsonSchema)]
pub(super) struct NextAndAtMost {
    /// What is needed now.
    pub next: Price,
    /// With every look, all secondary hypotheses and all sizes.
    pub at_most: Price,
}

/// The price of a claim. Claims share fine-tunes, so that all together cost less than the sum.
#[derive(Serialize, JsonSchema)]
pub(super) struct ClaimPrice {
    /// The claim's id.
    pub claim: String,
    /// Its price alone.
    #[serde(flatten)]
    pub price: NextAndAtMost,
}

/// A part of what claims could need at most.
#[derive(Clone, Serialize, JsonSchema)]
pub(super) struct PartPrice {
    /// Its name.
    pub part: String,
    /// Fine-tunes.
    pub fine_tunes: usize,
    /// Additions and multiplications, on top of the parts before: fine-tunes that differ in the
    /// blocks alone share passes, wherever they are counted.
    pub operations: f64,
    /// Seconds for these operations; null if no speed is known.
    pub seconds: Option<f64>,
}

impl PartPrice {
    /// What `all` costs on top of `before`, which is a part of it.
    fn on_top(part: &str, all: &Price, before: Option<&Price>) -> Self {
        let operations = before.map_or(0.0, |price| price.operations);
        // Where nothing of it fits into memory, it takes no time that could be taken off.
        let seconds = before.map_or(0.0, |price| price.seconds.unwrap_or(0.0));
        Self {
            part: part.to_owned(),
            fine_tunes: all.fine_tunes - before.map_or(0, |price| price.fine_tunes),
            operations: (all.operations - operations).max(0.0),
            seconds: all.seconds.map(|all| (all - seconds).max(0.0)),
        }
    }
}

/// All prices of a plan.
pub(super) struct Prices {
    pub total: NextAndAtMost,
    pub claims: Vec<ClaimPrice>,
    /// For claims: primary hypotheses at their first look (`first_look`, a part of the next), then
    /// the parts that add up to what could be needed at most.
    pub first_look: Option<PartPrice>,
    pub parts: Vec<PartPrice>,
}

impl Prices {
    /// The prices of claims (none for figures) on a device; `next` are all fine-tunes to run next,
    /// and `at_most` all that could be needed.
    pub fn new(
        of_claims: &[&Claim],
        world: &World,
        evidence: &Evidence,
        (next, at_most): (&Trials, &Trials),
        device: &Priced,
    ) -> Self {
        let catalogue = Catalogue::embedded();
        let price = |trials: &Trials| Price::new(trials, world, &catalogue, device);
        let of = |claim: &Claim| {
            let needed = plan::outstanding(&[claim], evidence).into_keys();
            let needed: Trials = needed.filter(|trial| next.contains(trial)).collect();
            let possible: Trials = plan::at_most(&[claim], world).into_keys().collect();
            NextAndAtMost { next: price(&needed), at_most: price(&possible) }
        };
        let each = of_claims.iter();
        let each = each.map(|claim| ClaimPrice { claim: claim.id.clone(), price: of(claim) });
        let claims: Vec<ClaimPrice> = each.collect();
        let total = NextAndAtMost { next: price(next), at_most: price(at_most) };
        if claims.is_empty() {
            return Self { total, claims, first_look: None, parts: Vec::new() };
        }
        let [(first, first_look), (every, every_look), others @ ..] = parts(of_claims, world);
        let first_look = PartPrice::on_top(first, &price(&first_look), None);
        let (mut counted, mut before) = (every_look.clone(), price(&every_look));
        let mut parts = vec![PartPrice::on_top(every, &before, None)];
        for (name, trials) in others {
            counted.extend(trials);
            let all = price(&counted);
            parts.push(PartPrice::on_top(name, &all, Some(&before)));
            before = all;
        }
        Self { total, claims, first_look: Some(first_look), parts }
    }

    /// The summary: a row for what is needed next, for each part, and for all.
    pub fn summary(&self, pricing: &Pricing) -> String {
        let NextAndAtMost { next, at_most } = &self.total;
        let next = PartPrice::on_top("needed next", next, None);
        let at_most = PartPrice::on_top("at most, in all", at_most, None);
        let parts = self.first_look.iter().chain(&self.parts).filter(|part| part.fine_tunes > 0);
        let parts = parts.chain([&at_most]);
        let rows = std::iter::once(&next).chain(parts).map(|price| {
            vec![
                price.part.clone(),
                price.fine_tunes.to_string(),
                format!("{:.2e}", price.operations),
                in_hours(price.seconds),
                price.seconds.map_or_else(|| UNKNOWN.to_owned(), duration),
            ]
        });
        let header = ["", "fine-tunes", "operations", hours_of(pricing), "time"];
        terminal::table(&header, rows)
    }

    /// A row a claim, what is counted more than once, and all of them.
    pub fn by_claim(&self) -> String {
        let row = |name: &str, NextAndAtMost { next, at_most }: &NextAndAtMost| {
            let downloads = &at_most.downloads;
            let more = match downloads.files_of_unknown_size {
                0 => String::new(),
                files => format!(" +{files}"),
            };
            let disk = downloads.disk_of_known(at_most.fine_tunes);
            vec![
                name.to_owned(),
                next.fine_tunes.to_string(),
                in_hours(next.seconds),
                at_most.fine_tunes.to_string(),
                in_hours(at_most.seconds),
                format!("{}{more}", size(downloads.known_bytes)),
                format!("{}{more}", size(disk)),
                size(at_most.memory_bytes_at_least),
            ]
        };
        let mut rows: Vec<Vec<String>> =
            self.claims.iter().map(|claim| row(&claim.claim, &claim.price)).collect();
        if rows.len() > 1 {
            rows.push(self.shared());
            rows.push(row("all of them", &self.total));
        }
        let header = ["claim", "next", "hours", "at most", "hours", "download", "disk", "memory"];
        terminal::table(&header, rows)
    }

    /// What the claims share, as a row that makes the column add up.
    fn shared(&self) -> Vec<String> {
        let sum = |of: &dyn Fn(&NextAndAtMost) -> f64| {
            self.claims.iter().map(|claim| of(&claim.price)).sum::<f64>() - of(&self.total)
        };
        // Nothing shared is no negative number.
        let less = |amount: String| {
            let is_zero = !amount.contains(|digit| matches!(digit, '1'..='9'));
            if is_zero { amount } else { format!("-{amount}") }
        };
        let count = |of: &dyn Fn(&NextAndAtMost) -> usize| {
            less(format!("{:.0}", sum(&|price| of(price) as f64)))
        };
        let time = |of: &dyn Fn(&NextAndAtMost) -> Option<f64>| {
            let seconds = sum(&|price| of(price).unwrap_or(f64::NAN));
            if seconds.is_nan() { UNKNOWN.to_owned() } else { less(hours(seconds.max(0.0))) }
        };
        vec![
            "shared between claims".to_owned(),
            count(&|price| price.next.fine_tunes),
            time(&|price| price.next.seconds),
            count(&|price| price.at_most.fine_tunes),
            time(&|price| price.at_most.seconds),
            String::new(),
            String::new(),
            String::new(),
        ]
    }

    /// What keeps a time from being estimated, and what sizes are not known.
    pub fn notes(&self, pricing: &Pricing, world: &World) -> Vec<String> {
        let mut notes = Vec::new();
        let at_most = &self.total.at_most;
        match pricing.basis {
            Basis::Unknown(Some(Unusable::Precision(precision))) => notes.push(format!(
                "no time is estimated: the {} does not compute in {}, the precision of this set-up",
                pricing.card.map_or("device here", |card| &card.name),
                name(precision)
            )),
            Basis::Unknown(None) => notes.push(
                "no time is estimated, since no fine-tune of this set-up has run here: name a GPU \
                 (`--card h100`) or a speed (`--device-rate 60e12`), or time a fine-tune here \
                 (`--time`; on a CPU it takes minutes)"
                    .to_owned(),
            ),
            _ => (),
        }
        if at_most.too_large > 0 {
            notes.push(format!(
                "{} of the {} fine-tunes need more memory than this device has, {}: no time is \
                 estimated for them",
                at_most.too_large,
                at_most.fine_tunes,
                pricing.priced.memory.map_or_else(String::new, size)
            ));
        }
        if world.packed.is_some() {
            notes.push(
                "without the images that the source models are trained on, which you pack"
                    .to_owned(),
            );
        }
        notes
    }
}

/// Explains the rows of the summary.
pub(super) const SUMMARY: &str = "\
At most is every look of primary hypotheses, which begins with the first look, and on top of it \
secondary hypotheses and sizes above 6,400 images.";

/// Explains the columns of the claims.
pub(super) const COLUMNS: &str = "\
Download, disk (at most) and memory (of one fine-tune, at least) are of all that could be needed; \
+1 is one file more, whose size its makers do not state.";

/// The text of a time that is not known. As a sign, it leaves its column aligned.
const UNKNOWN: &str = "-";

fn in_hours(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| UNKNOWN.to_owned(), hours)
}

fn hours_of(pricing: &Pricing) -> &'static str {
    if pricing.on_a_cpu { "hours" } else { "GPU-hours" }
}

/// The name of a precision in recipes.
fn name(precision: Precision) -> &'static str {
    match precision {
        Precision::Fp32 => "fp32",
        Precision::Tf32 => "tf32",
        Precision::Bf16 => "bf16",
    }
}

/// The speeds of a GPU in each precision, and what the fine-tunes would take in each.
pub(super) fn precisions(card: &Gpu, prices: &NextAndAtMost, of_recipe: Precision) -> String {
    let rows = [Precision::Fp32, Precision::Tf32, Precision::Bf16].into_iter().filter_map(|at| {
        let speed = card.speed(at)?;
        let time = |price: &Price| duration(price.operations / speed.throughput().0);
        let of = if at == of_recipe { " (the recipe's)" } else { "" };
        Some(vec![
            format!("{}{of}", name(at)),
            format!("{:.3e}", speed.peak),
            format!("{:.0} %, {}", 100.0 * speed.share, speed.measured),
            format!("{:.2e}", speed.throughput().0),
            time(&prices.next),
            time(&prices.at_most),
        ])
    });
    let header = ["precision", "dense peak", "share of it", "assumed", "needed next", "at most"];
    terminal::table(&header, rows)
}
