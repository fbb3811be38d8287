//! The controller on the simulator of the test kit.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use cf_mtls::{Client, Retry};
use cf_mtls_testkit::simulator::{Builder, Fault, Operation, Seed};
use cf_mtls_testkit::{CAS, Simulator};
use controller::Controller;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// A simulated account with two zones, and a folder.
struct Stage {
    simulator: Simulator,
    controller: Controller,
    folder: PathBuf,
    zone: String,
    other_zone: String,
}

impl Stage {
    /// `test` names the folder.
    async fn new(test: &str, builder: Builder) -> Self {
        let simulator = builder.start().await.unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
        _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let retry = Retry::exponential(2, Duration::from_millis(1), Duration::from_millis(2));
        let client = Client::builder(simulator.token()).with_base_url(simulator.base_url());
        let client = client.with_retry(retry).build().unwrap();
        let certificates = client.certificates(&simulator.account_id().parse().unwrap());
        let controller = Controller::new(certificates, &folder, "edge");
        let zone = simulator.add_zone("example.com");
        let other_zone = simulator.add_zone("example.org");
        Self { simulator, controller, folder, zone, other_zone }
    }

    /// With the CA `devices` and its hostnames in both zones.
    async fn with_devices(test: &str, builder: Builder) -> Self {
        let stage = Self::new(test, builder).await;
        stage.write("devices.pem", CAS[0]);
        stage.write("devices.hostnames", "ZONE api.example.com\nOTHER_ZONE api.example.org\n");
        stage
    }

    /// Writes a file, with the ids of the zones in place of `ZONE` and `OTHER_ZONE`.
    fn write(&self, file: &str, text: &str) {
        let text = text.replace("OTHER_ZONE", &self.other_zone).replace("ZONE", &self.zone);
        fs::write(self.folder.join(file), text).unwrap();
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.folder.join(file)).unwrap();
    }

    /// Runs a pass, and returns its events, and how soon to run the next one.
    async fn pass(&self) -> (Vec<Value>, Option<Duration>) {
        self.simulator.clear_requests();
        let mut events = Vec::new();
        let requeue = self.controller.reconcile(&mut |event| events.push(event)).await;
        (events, requeue)
    }

    /// The names of the events of a pass, without its end.
    async fn changes(&self) -> Vec<String> {
        let (events, requeue) = self.pass().await;
        assert_eq!(requeue, None, "{events:#?}");
        let (end, changes) = events.split_last().unwrap();
        assert_eq!((&end["event"], &end["failed"]), (&"reconciled".into(), &0.into()));
        changes.iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    }

    /// The requests of the last pass that were no reads.
    fn writes(&self) -> Vec<Operation> {
        let requests = self.simulator.requests();
        requests.iter().filter(|one| !one.is_read()).map(|one| one.operation).collect()
    }

    /// The names of the certificates, with their hostnames in both zones.
    fn state(&self) -> Vec<(String, Vec<String>, Vec<String>)> {
        let held = self.simulator.certificates().into_iter().map(|one| {
            let hostnames = |zone| self.simulator.hostnames(zone, &one.id);
            let (first, second) = (hostnames(&self.zone), hostnames(&self.other_zone));
            (one.name.unwrap_or_default(), first, second)
        });
        held.collect()
    }
}

fn row(name: &str, first: &[&str], second: &[&str]) -> (String, Vec<String>, Vec<String>) {
    let owned = |hosts: &[&str]| hosts.iter().map(|&host| host.to_owned()).collect();
    (name.to_owned(), owned(first), owned(second))
}

#[tokio::test]
async fn the_first_pass_uploads_and_attaches_and_the_second_only_reads() {
    let stage = Stage::with_devices("first_pass", Simulator::builder()).await;

    assert_eq!(stage.changes().await, ["uploaded", "hostnames_changed", "hostnames_changed"]);
    let want = [row("edge/devices", &["api.example.com"], &["api.example.org"])];
    assert_eq!(stage.state(), want);

    assert!(stage.changes().await.is_empty());
    assert_eq!(stage.simulator.request_count(None), 3); // the list, and two zones
    assert!(stage.writes().is_empty());
    assert_eq!(stage.state(), want);
}

#[tokio::test]
async fn hostnames_follow_their_file() {
    let stage = Stage::with_devices("hostnames", Simulator::builder()).await;
    stage.changes().await;

    stage.write("devices.hostnames", "ZONE Api.example.com. shop.example.com\nOTHER_ZONE");
    let (events, _) = stage.pass().await;
    let change = |zone: &str| {
        let event = events.iter().find(|event| event["zone_id"] == zone).unwrap();
        json!([event["ca"], event["added"], event["removed"]])
    };
    assert_eq!(change(&stage.zone), json!(["devices", ["shop.example.com"], []]));
    assert_eq!(change(&stage.other_zone), json!(["devices", [], ["api.example.org"]]));
    assert_eq!(stage.writes(), [Operation::ReplaceHostnames; 2]);
    let want = [row("edge/devices", &["api.example.com", "shop.example.com"], &[])];
    assert_eq!(stage.state(), want);

    // A zone that no file names is left as it is.
    stage.write("devices.hostnames", "OTHER_ZONE");
    assert!(stage.changes().await.is_empty());
    stage.remove("devices.hostnames");
    assert!(stage.changes().await.is_empty());
    assert_eq!(stage.state(), want);
}

#[tokio::test]
async fn only_with_the_flag_a_removed_ca_is_released() {
    let mut stage = Stage::with_devices("removed", Simulator::builder()).await;
    stage.write("staging.pem", CAS[1]);
    stage.simulator.seed(Seed::ca(CAS[2]).name("by hand")).unwrap();
    stage.changes().await;
    stage.remove("devices.pem");

    let names = || -> Vec<_> { stage.state().into_iter().map(|(name, ..)| name).collect() };
    assert!(stage.changes().await.is_empty());
    assert_eq!(names(), ["by hand", "edge/devices", "edge/staging"]);

    stage.controller = stage.controller.clone().with_release(true);
    let steps = stage.changes().await;
    assert!(!steps.is_empty() && steps.iter().all(|event| event == "step"), "{steps:?}");
    assert_eq!(stage.state(), [row("by hand", &[], &[]), row("edge/staging", &[], &[])]);
}

#[tokio::test]
async fn what_may_be_wanted_is_not_released() {
    let mut stage = Stage::with_devices("kept", Simulator::builder()).await;
    stage.controller = stage.controller.clone().with_release(true);
    // Found by its content, so it does not belong to the controller.
    stage.simulator.seed(Seed::ca(CAS[1]).name("by hand")).unwrap();
    stage.write("staging.pem", CAS[1]);
    stage.changes().await;
    let names = || -> Vec<_> { stage.state().into_iter().map(|(name, ..)| name).collect() };
    let want = ["by hand", "edge/devices"];
    assert_eq!(names(), want);

    // Another file name for the same CA.
    stage.remove("devices.pem");
    stage.write("phones.pem", CAS[0]);
    assert!(stage.changes().await.is_empty());
    assert_eq!(names(), want);

    // One file that cannot be read, and one that has the certificate of another.
    for (text, problem) in [("no PEM", "PEM"), (CAS[1], "another file has the same certificate")] {
        stage.write("phones.pem", text);
        let (events, requeue) = stage.pass().await;
        let error = &events[0]["error"];
        assert_eq!(
            (&events[0]["event"], &error["kind"]),
            (&"failed".into(), &"invalid_input".into())
        );
        assert!(error["message"].as_str().unwrap().contains(problem), "{error:#}");
        assert_eq!((requeue, names()), (None, want.map(str::to_owned).to_vec()));
    }

    // An empty folder, and none.
    stage.remove("phones.pem");
    stage.remove("staging.pem");
    assert!(stage.changes().await.is_empty());
    fs::remove_dir_all(&stage.folder).unwrap();
    assert_eq!(stage.pass().await.0[0]["event"], "failed");
    assert_eq!(names(), want);
}

#[tokio::test]
async fn a_ca_in_use_elsewhere_stays_and_the_event_says_by_what() {
    let mut stage = Stage::with_devices("in_use", Simulator::builder()).await;
    stage.controller = stage.controller.clone().with_release(true);
    stage.write("staging.pem", CAS[1]);
    stage.changes().await;
    let devices = stage.simulator.certificates()[0].id.clone();
    stage.simulator.attach_service(devices, "gateway", "active").unwrap();
    stage.remove("devices.pem");

    let before = stage.state();
    let (events, requeue) = stage.pass().await;
    assert_eq!((&events[0]["ca"], requeue), (&"devices".into(), None));
    let error = &events[0]["error"];
    assert_eq!((&error["kind"], &error["job"]), (&"in_use".into(), &"release".into()));
    assert_eq!(error["associations"][0]["service"], "gateway");
    assert_eq!(stage.state(), before);
}

#[tokio::test]
async fn a_replaced_ca_hands_its_hostnames_over() {
    let mut stage = Stage::with_devices("rotated", Simulator::builder()).await;
    stage.changes().await;
    stage.write("devices.pem", CAS[1]);
    stage.write("devices.hostnames", "ZONE api.example.com\nOTHER_ZONE");

    // Both are there until something may be released.
    stage.changes().await;
    let old = row("edge/devices", &["api.example.com"], &["api.example.org"]);
    let new = row("edge/devices", &["api.example.com"], &[]);
    assert_eq!(stage.state(), [old, new.clone()]);

    stage.controller = stage.controller.clone().with_release(true);
    stage.changes().await;
    assert_eq!(stage.state(), [new]);
    assert!(stage.changes().await.is_empty());
    assert!(stage.writes().is_empty());
}

#[tokio::test]
async fn a_failure_is_requeued_and_holds_up_nothing_else() {
    let stage = Stage::with_devices("failure", Simulator::builder()).await;
    stage.write("staging.pem", CAS[1]);
    let down = stage.simulator.inject(Fault::html(502).on(Operation::Upload).nth(2).times(2));
    let zone_down = stage.simulator.inject(Fault::html(503).zone(&stage.zone));

    let (events, requeue) = stage.pass().await;
    assert_eq!(requeue, Some(Duration::from_secs(30)));
    let failures = events.iter().filter(|event| event["event"] == "failed");
    let failures: Vec<_> =
        failures.map(|event| json!([event["ca"], event["error"]["status"]])).collect();
    assert_eq!(failures, [json!(["staging", 502]), json!(["devices", 503])]);
    assert_eq!(events.last().unwrap()["failed"], 2);
    assert_eq!(stage.state(), [row("edge/devices", &[], &["api.example.org"])]);

    stage.simulator.remove_fault(down);
    stage.simulator.remove_fault(zone_down);
    assert_eq!(stage.changes().await, ["uploaded", "hostnames_changed"]);

    let limited = Fault::error(429, 971, "Rate limited").retry_after("240");
    stage.simulator.inject(limited.on(Operation::List));
    let (events, requeue) = stage.pass().await;
    assert_eq!(events[0]["error"]["kind"], "rate_limited");
    let minutes = requeue.map(|delay| delay.as_secs().div_ceil(60));
    assert_eq!((minutes, stage.writes()), (Some(4), vec![]));
}

#[tokio::test]
async fn a_slow_day_is_waited_out() {
    let builder = Simulator::builder().slow_day().clock_stands_still();
    let stage = Stage::with_devices("slow_day", builder).await;
    stage.changes().await;
    let state = stage.state();

    // The list does not show the CA yet, so it is uploaded again, and refused.
    let (events, requeue) = stage.pass().await;
    assert_eq!(events[0]["error"]["kind"], "already_exists");
    assert_eq!(requeue, Some(Duration::from_secs(10)));

    // Reads of the hostnames still show none.
    stage.simulator.advance(Duration::from_secs(11));
    assert!(stage.changes().await.is_empty());
    assert!(stage.writes().is_empty());
    assert_eq!(stage.state(), state);
}

#[tokio::test]
async fn it_stops_between_passes_and_in_one() {
    let stage = Stage::with_devices("stopped", Simulator::builder()).await;
    let stop = Notify::new();
    let mut events = Vec::new();
    let mut report = |event: Value| {
        if event["event"] == "reconciled" {
            stop.notify_one();
        }
        events.push(event["event"].clone());
    };
    let hour = Duration::from_secs(3600);
    stage.controller.run(hour, stop.notified(), &mut report).await;
    assert_eq!(events[events.len() - 2..], ["reconciled", "stopped"]);

    stage.simulator.inject(Fault::silence());
    let stop = tokio::time::sleep(Duration::from_millis(50));
    let mut events = Vec::new();
    stage.controller.run(hour, stop, &mut |event| events.push(event)).await;
    assert_eq!(events, [json!({ "event": "stopped" })]);
}
