//! The short run: every target on its corpus, and on what becomes of it by
//! chance. `CF_MTLS_FUZZ_ROUNDS` makes it longer, `CF_MTLS_FUZZ_SEED` another.

use std::path::Path;
use std::{env, fs};

use cf_mtls_fuzz::TARGETS;
use fastrand::Rng;

fn number(name: &str, default: u64) -> u64 {
    let value = env::var(name).ok();
    value.map_or(default, |text| text.parse().expect(name))
}

/// Changes a sample a little: bytes, cuts, repetitions, and parts of another.
fn mutate(rng: &mut Rng, mut sample: Vec<u8>, other: &[u8]) -> Vec<u8> {
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(..=sample.len());
        let until = rng.usize(at..=sample.len());
        match rng.u8(..7) {
            0 if at < sample.len() => sample[at] = rng.u8(..),
            1 if at < sample.len() => sample[at] ^= 1 << rng.u8(..8),
            2 => sample.truncate(at),
            3 => drop(sample.drain(at..until)),
            4 => {
                let part = sample[at..until].to_vec();
                sample.splice(at..at, part);
            }
            5 => {
                let from = rng.usize(..=other.len());
                let to = rng.usize(from..=other.len());
                sample.splice(at..until, other[from..to].iter().copied());
            }
            _ => sample.insert(at, *rng.choice(b"\0\"\\{}[],:.%/-\r\n\t ;=").expect("bytes")),
        }
        sample.truncate(64 * 1024);
    }
    sample
}

#[test]
fn every_target_stands_its_corpus_and_what_is_made_of_it() {
    let rounds = number("CF_MTLS_FUZZ_ROUNDS", 4_000);
    let seed = number("CF_MTLS_FUZZ_SEED", fastrand::u64(..));
    println!("seed {seed}; run it again with CF_MTLS_FUZZ_SEED={seed}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in TARGETS {
        let mut files: Vec<_> = fs::read_dir(root.join(name))
            .expect("a corpus")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort();
        let corpus: Vec<Vec<u8>> =
            files.iter().map(|path| fs::read(path).expect("a file")).collect();
        assert!(!corpus.is_empty(), "{name} has a corpus");
        corpus.iter().for_each(|sample| target(sample));
        let mut rng = Rng::with_seed(seed);
        for round in 0..rounds {
            let sample = rng.choice(&corpus).expect("a sample").clone();
            let other = rng.choice(&corpus).expect("a sample");
            let sample = mutate(&mut rng, sample, other);
            let shown = sample.escape_ascii().to_string();
            let outcome = std::panic::catch_unwind(|| target(&sample));
            assert!(outcome.is_ok(), "{name}, round {round}: {shown}");
        }
    }
}
