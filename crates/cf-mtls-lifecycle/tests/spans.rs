//! What operators see of a job: a span with its operations in it, and its end. In a process
//! of its own, since the callsites of events are shared by all tests of one.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "jobs/support.rs"]
#[allow(dead_code, reason = "most of it is for the other tests")]
mod support;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cf_mtls_lifecycle::{CertificatesExt as _, Outcomes, Prune};
use cf_mtls_testkit::simulator::{Fault, Operation};
use tracing_subscriber::fmt::MakeWriter;

use support::{InUse, certificates, options, quick, seed_ca};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The names of the spans and the message of each event, outermost first.
fn shorten(line: &str) -> String {
    let spans = line.split("otel.name=").skip(1).map(|rest| {
        let ends = [" http.", " cloudflare.", " otel.", "}"];
        let end = ends.iter().filter_map(|next| rest.find(next)).min().unwrap();
        rest[..end].trim()
    });
    let level = line.split_whitespace().next().unwrap_or_default();
    let message = ["job ended", "operation ended"].into_iter().find(|text| line.contains(text));
    let failed = if line.contains("error.type=\"in_use\"") { " in_use" } else { "" };
    format!("{level} {}: {}{failed}", spans.collect::<Vec<_>>().join(" > "), message.unwrap())
}

#[tokio::test]
async fn each_job_is_a_span_with_its_operations_and_one_end() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false);
    let subscriber = subscriber.without_time().with_target(false);
    let subscriber = subscriber.with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG);
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let world = InUse::start().await;
    let take = || {
        let text = String::from_utf8(std::mem::take(&mut *log.0.lock().unwrap())).unwrap();
        let is_end = |line: &&str| line.contains("job ended") || line.contains("operation ended");
        text.lines().filter(is_end).map(shorten).collect::<Vec<_>>()
    };
    let changes = |ends: Vec<String>| {
        ends.into_iter().filter(|end| end.starts_with("INFO")).collect::<Vec<_>>()
    };
    let certificates = certificates(&world.simulator).with_concurrency(1);
    take();

    // What only reads.
    certificates.usage(&world.ca).await.unwrap();
    let ends = take();
    assert!(ends.iter().all(|end| end.starts_with("DEBUG usage")), "{ends:?}");
    assert_eq!(ends.last().unwrap(), "DEBUG usage: job ended");
    let release = certificates.release(&world.ca).with_options(quick());
    let plan = release.plan().await.unwrap();
    let mut ends = take();
    let plan_end = ends.pop();
    assert!(ends.iter().all(|end| end.starts_with("DEBUG plan release > usage")), "{ends:?}");
    assert_eq!(plan_end.as_deref(), Some("DEBUG plan release: job ended"));

    plan.run(|step| world.let_time_pass(step)).await.unwrap();
    let ends = take();
    assert!(ends.iter().all(|end| end.contains(" release")), "{ends:?}");
    let want = [
        "INFO release > replace hostnames: operation ended",
        "INFO release > replace hostnames: operation ended",
        "INFO release > delete certificate: operation ended",
        "INFO release: job ended",
    ];
    assert_eq!(changes(ends), want);

    // A failure says so.
    let refusal = Fault::error(400, 424242, "Certificate cannot be deleted while in use.");
    world.simulator.inject(refusal.on(Operation::Delete));
    let unused = seed_ca(&world.simulator, "unused");
    let release =
        certificates.release(&unused).with_options(options(Duration::ZERO, Duration::ZERO));
    release.run(|_| ()).await.unwrap_err();
    let want = [
        "INFO release > delete certificate: operation ended in_use",
        "INFO release: job ended in_use",
    ];
    assert_eq!(changes(take()), want);

    world.simulator.clear_faults();
    let candidates = certificates.prune_candidates(Prune::new().name_prefix("unused")).unwrap();
    assert_eq!(candidates.collect().await.len(), 1);
    let ends = take();
    assert!(ends.iter().all(|end| end.starts_with("DEBUG prune candidates")), "{ends:?}");
    let outcomes = certificates.delete_many([unused]).collect().await;
    assert!(outcomes[0].result.is_ok());
    let want =
        ["INFO delete many > delete certificate: operation ended", "INFO delete many: job ended"];
    assert_eq!(take(), want);

    // A fake is no job.
    let fake: Outcomes<u8> = [1, 2].into_iter().collect();
    assert_eq!(fake.collect().await, [1, 2]);
    assert_eq!(take(), [""; 0]);
}
