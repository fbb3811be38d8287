//! Random changes: every one that matters is reported at its place, and none
//! that does not. What matters is decided here, from the text of the document
//! alone, and not by the code under test.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::meaning::meaning;
use super::mutant::Mutator;
use super::reach::{Site, sites};
use super::small::{self, fragment, upstream};
use crate::drift::compare;
use crate::drift::report::{Finding, Report, Trouble};
use crate::fragment::FRAGMENT;

/// Tells each kind of change how often it was tried, and how it went.
#[derive(Default)]
struct Figures {
    tried: BTreeMap<&'static str, [usize; 2]>,
    missed: Vec<String>,
    /// How often the place was the first that a finding names, the second, and so on.
    ranks: BTreeMap<usize, usize>,
    /// How many edits it took until all that a change brings up was explained.
    edits: BTreeMap<usize, usize>,
}

/// The last place of a finding that still counts as told.
const FARTHEST: usize = 5;

impl Figures {
    fn add(&mut self, kind: &'static str, fault: Option<String>) {
        let figures = self.tried.entry(kind).or_default();
        figures[0] += 1;
        if let Some(fault) = fault {
            figures[1] += 1;
            self.missed.push(format!("{kind}: {fault}"));
        }
    }

    /// Whether nineteen in twenty changes were told at the first place of a finding.
    fn are_told_first(&self) -> bool {
        let first = self.ranks.get(&0).copied().unwrap_or_default();
        19 * self.ranks.values().sum::<usize>() <= 20 * first
    }

    fn count(&self) -> usize {
        self.tried.values().map(|figures| figures[0]).sum()
    }
}

/// How many places a finding names before the one that was changed: at it, in it, or
/// at the object around it. None if it names others only.
fn rank(finding: &Finding, place: &str) -> Option<usize> {
    let around = place.rsplit_once('/').map_or("", |(around, _)| around);
    // Of parts that have gone with their list, the object around it remains.
    let remains = |pointer: &str| {
        let keyword = place
            .strip_suffix("/allOf")
            .filter(|_| finding.upstream.value.is_none())
            .and_then(|object| pointer.strip_prefix(object));
        keyword.is_some_and(|keyword| keyword.matches('/').count() == 1)
    };
    let mut named = std::iter::once(&finding.upstream.pointer).chain(&finding.upstream.also);
    named.position(|pointer| {
        let within = pointer.starts_with(&format!("{place}/"));
        pointer == place || pointer == around || within || remains(pointer)
    })
}

/// Makes the edits that findings advise, one at a time, until nothing is left; says how
/// many that took. Each must leave less than there was.
fn follow_all(ours: &Value, report: &Report, document: &str) -> Result<usize, String> {
    let mut ours = ours.clone();
    let mut findings = report.findings.clone();
    let mut edits = 0;
    while let Some(finding) = findings.first() {
        if finding.patch.is_none() {
            return Err(format!("no record: {}", finding.edit));
        }
        small::follow(&mut ours, finding);
        edits += 1;
        let now = compare(&ours.to_string(), document, "mutant").unwrap();
        // One for several operations may go on as one for each.
        let left = |findings: &[Finding]| -> usize {
            let operations = findings.iter().map(|finding| finding.operations.len());
            operations.map(|count| count.max(1)).sum()
        };
        // What is new under our paths may have been one of ours.
        let moved = finding.what.starts_with("the path moved");
        if !moved && left(&findings) <= left(&now.findings) {
            return Err(format!("{} ends in {}", finding.edit, describe(&now)));
        }
        findings = now.findings;
    }
    Ok(edits)
}

fn describe(report: &Report) -> String {
    small::lines(report).join("; ")
}

/// Tries `count` changes that matter, each beside a few that do not, and as
/// many trials of only such that do not.
fn run(ours: &Value, theirs: &Value, seed: u64, count: usize) -> (Figures, Figures) {
    let ours_text = ours.to_string();
    let places = sites(theirs, ours);
    assert!(10 < places.len(), "{} sites", places.len());
    let check_text = |text: &str| compare(&ours_text, text, "mutant").unwrap();
    let check = |document: &Value| check_text(&document.to_string());
    assert_eq!(describe(&check(theirs)), "");
    let before = meaning(theirs, ours);
    let mut random = Mutator::new(seed);
    let (mut matter, mut idle) = (Figures::default(), Figures::default());
    while matter.count() < count {
        if random.below(20) == 0 {
            let Some((text, place)) = random.double(theirs, &places, true) else {
                continue;
            };
            let report = check_text(&text);
            let told = |problem: &Trouble| problem.pointer == place;
            let fault = (!report.problems.iter().any(told))
                .then(|| format!("{place}: {:?}", report.problems));
            matter.add("name twice", fault);
            continue;
        }
        let mut document = theirs.clone();
        let Some((kind, places)) = random.change(&mut document, &places) else {
            continue;
        };
        let report = check(&document);
        // What is joined decides together, so it may change nothing.
        let now = meaning(&document, ours);
        if kind == "nullable turned" && now.nulls == before.nulls {
            let fault = (report.exit() != 0).then(|| format!("{places:?}: {}", describe(&report)));
            idle.add("nullable turned where others decide", fault);
            continue;
        }
        // Others may say the same, or half of it: who knows.
        if kind.ends_with(" removed from a schema") && now == before {
            continue;
        }
        let rank = |place: &String| {
            report
                .findings
                .iter()
                .filter_map(move |f| rank(f, place))
                .min()
        };
        let rank = places.iter().filter_map(rank).min();
        let fault = if report.exit() != 1 {
            Some(format!("{places:?} is not reported: {}", report.exit()))
        } else if rank.is_none_or(|rank| FARTHEST < rank) {
            Some(format!(
                "{places:?} is reported elsewhere: {}",
                describe(&report)
            ))
        } else {
            let edits = follow_all(ours, &report, &document.to_string());
            match edits {
                Ok(edits) => {
                    *matter.edits.entry(edits).or_default() += 1;
                    None
                }
                Err(fault) => Some(format!("{places:?}: {fault}")),
            }
        };
        *matter.ranks.entry(rank.unwrap_or(usize::MAX)).or_default() += 1;
        matter.add(kind, fault);
    }
    while idle.count() < count {
        if random.below(20) == 0 {
            let Some((text, place)) = random.double(theirs, &places, false) else {
                continue;
            };
            let report = check_text(&text);
            let fault = (report.exit() != 0).then(|| format!("{place}: {:?}", report.problems));
            idle.add("description twice", fault);
            continue;
        }
        let mut document = theirs.clone();
        let mut kinds = Vec::new();
        for _ in 0..3 {
            // Places may have gone with the change before.
            let places: Vec<Site> = sites(&document, ours);
            kinds.extend(random.rewrite(&mut document, &places));
        }
        let report = check(&document);
        let fault = (report.exit() != 0)
            .then(|| format!("{kinds:?}: {} {:?}", describe(&report), report.problems));
        for (kind, _) in &kinds {
            idle.add(kind, fault.clone());
        }
    }
    (matter, idle)
}

#[test]
fn every_change_that_matters_is_reported_and_no_other() {
    // A contradiction, alternatives and parts that overlap, as the published
    // document has them, make the small one harder.
    let mut theirs = upstream();
    small::put(
        &mut theirs,
        "/components/schemas/lid_response_single/allOf/0",
        json!({"allOf": [
            {"$ref": "#/components/schemas/common_envelope"},
            {"properties": {"result": {"anyOf": [
                {"type": "object", "nullable": true},
                {"type": "string", "nullable": true}
            ]}}}
        ]}),
    );
    let mut ours = fragment();
    small::at(&mut ours, "/components/schemas/OneLid")["x-departures"] = json!([{
        "aspect": "properties/result/anyOf",
        "upstream": [{"type": "object"}, {"type": "string"}],
        "reason": "No operation sends a text."
    }]);
    let (matter, idle) = run(&ours, &theirs, 2024, 300);
    assert_eq!(matter.missed, [""; 0]);
    assert_eq!(idle.missed, [""; 0]);
    assert!(matter.are_told_first(), "{:?}", matter.ranks);
    // All kinds of change came up.
    assert!(20 < matter.tried.len(), "{:?}", matter.tried);
    assert!(12 < idle.tried.len(), "{:?}", idle.tried);
}

/// The same on a published document:
/// `DRIFT_DOCUMENT=<path> cargo test --release -p xtask -- --ignored --nocapture published`.
#[test]
#[ignore = "needs a published document, named by DRIFT_DOCUMENT"]
fn every_change_of_a_published_document_is_reported() {
    let path = std::env::var("DRIFT_DOCUMENT").expect("DRIFT_DOCUMENT names a document");
    let number = |name, usual| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let (count, seed) = (number("DRIFT_MUTATIONS", 400), number("DRIFT_SEED", 8));
    let theirs = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap();
    let ours = std::fs::read_to_string(root.join(FRAGMENT)).unwrap();
    let (matter, idle) = run(
        &serde_json::from_str(&ours).unwrap(),
        &theirs,
        seed as u64,
        count,
    );
    for (title, figures) in [("matter", &matter), ("do not matter", &idle)] {
        println!(
            "\nchanges that {title}: {}, faults {}",
            figures.count(),
            figures.missed.len()
        );
        for (kind, [tried, faults]) in &figures.tried {
            println!("  {tried:5}  {faults:3}  {kind}");
        }
        for (rank, count) in &figures.ranks {
            println!(
                "  {count:5}  told as place {} of a finding",
                rank.saturating_add(1)
            );
        }
        for (edits, count) in &figures.edits {
            println!("  {count:5}  explained by {edits} of the edits that findings advise");
        }
        for fault in &figures.missed {
            println!("    {fault}");
        }
    }
    assert!(matter.missed.is_empty() && idle.missed.is_empty());
    assert!(matter.are_told_first());
}
