//! Who uses a certificate, by name, and as few requests as that takes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use cf_mtls_testkit::simulator::{
    Builder, Entitlement, Hyperdrive, Operation, Permission, Seed, Simulator, Token, Worker,
};
use cf_mtls_testkit::{CAS, LEAF};
use serde_json::{Value, json};

use crate::support::{Run, World, new_ca};

const ADVICE: [&str; 3] = [
    "Worker billing (binding CLIENT_CERT): redeploy the Worker without the binding",
    "Worker checkout (binding CLIENT_CERT): redeploy the Worker without the binding",
    "Hyperdrive configuration orders (client certificate): change the configuration to another \
     certificate",
];

/// A leaf that two Workers and a Hyperdrive configuration hold.
struct Held {
    world: World,
    leaf: String,
    hyperdrive: String,
}

impl Held {
    fn new(builder: Builder) -> Self {
        let world = World::with(builder);
        let leaf = world.simulator.seed(Seed::leaf(LEAF).name("api-client")).unwrap();
        for name in ["billing", "checkout", "other"] {
            let worker = Worker::new(name).binding("SESSIONS", "kv_namespace");
            let worker = match name {
                "other" => worker,
                _ => worker.certificate("CLIENT_CERT", &leaf),
            };
            world.simulator.put_worker(worker).unwrap();
        }
        let orders = Hyperdrive::new("orders").client_certificate(&leaf);
        let hyperdrive = world.simulator.put_hyperdrive(orders).unwrap();
        Self { world, leaf, hyperdrive }
    }

    fn free(&self) {
        for name in ["billing", "checkout"] {
            self.world.simulator.remove_worker(name).unwrap();
        }
        self.world.simulator.remove_hyperdrive(&self.hyperdrive).unwrap();
    }
}

/// The service's own list may be empty.
#[test]
fn a_refused_delete_names_the_holders_and_what_to_do() {
    for hidden in [false, true] {
        let held = Held::new(Simulator::builder().hide_products(hidden));
        let run = held.world.run(&["delete", "api-client", "--yes"]);
        assert_eq!(run.code, 4, "{run:?}");
        for advice in ADVICE {
            assert!(run.stderr.contains(advice), "{advice}: {run:?}");
        }
        let release = format!("`cf-mtls release {} --wait-for-holders`", held.leaf);
        assert!(run.stderr.contains(&release), "{run:?}");

        let run = held.world.run(&["delete", &held.leaf, "--yes", "-o", "json"]);
        let error = run.error_json();
        assert_eq!(error["holders"].as_array().unwrap().len(), 3, "{error}");
        let billing = json!({
            "holder": "worker", "script": "billing", "binding": "CLIENT_CERT",
            "advice": "redeploy the Worker without the binding",
        });
        assert_eq!(error["holders"][0], billing);
        assert!(error["hint"].as_str().unwrap().contains(ADVICE[2]), "{error}");
        let outcomes: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(outcomes[0]["error"]["holders"], error["holders"]);
        // Of several, each says it, and they are looked up once.
        held.world.simulator.clear_requests();
        let other = held.world.seed("free");
        let both = held.world.run(&["delete", &other, &held.leaf, "--yes", "-o", "ndjson"]);
        assert_eq!(both.code, 8, "{both:?}");
        assert_eq!(both.lines()[1]["error"]["holders"], error["holders"]);
        let count = |operation| held.world.simulator.request_count(operation);
        assert_eq!(count(Operation::Workers), 1);
    }
}

#[test]
fn associations_and_plans_show_the_holders() {
    let held = Held::new(Simulator::builder());
    let run = held.world.run(&["associations", "api-client"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("HELD BY") && run.stdout.contains("Worker billing"), "{run:?}");
    let usage = held.world.json(&["associations", "api-client"]);
    assert_eq!(usage["holders"].as_array().unwrap().len(), 3);
    let lines = held.world.run(&["associations", "api-client", "-o", "ndjson"]).lines();
    let held_by = lines.iter().filter(|line| line["use"] == "holder").count();
    assert_eq!(held_by, 3, "{lines:?}");

    for consent in ["--yes", "--dry-run"] {
        let run = held.world.run(&["release", "api-client", consent]);
        assert_eq!(run.code, 4, "{run:?}");
        let blocked = "blocked: Worker billing (binding CLIENT_CERT) holds it: redeploy the Worker";
        assert!(run.stderr.contains(blocked), "{run:?}");
        assert!(run.stderr.contains("hint: --wait-for-holders waits"), "{run:?}");
    }
    let run = held.world.run(&["release", "api-client", "--dry-run", "-o", "json"]);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(plan["holders"][2]["advice"], "change the configuration to another certificate");
    let run = held.world.run(&["delete", "api-client", "--dry-run", "-o", "json"]);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(plan[0]["used_by"]["holders"].as_array().unwrap().len(), 3, "{plan}");
    assert_eq!(held.world.writes(), [""; 0]);
}

#[test]
fn a_missing_permission_is_a_note_and_the_rest_is_shown() {
    let held = Held::new(Simulator::builder());
    held.world.simulator.add_token(Token::new("narrow").without(Permission::Workers));
    let token = held.world.file("token", "narrow");
    let token = ["--token-file", token.as_str()];
    let run = held.world.run(&[&["associations", "api-client"], &token[..]].concat());
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("\"Workers Scripts Read\" would show it"), "{run:?}");
    assert!(run.stdout.contains("Hyperdrive configuration orders"), "{run:?}");
    let delete = ["delete", "api-client", "--yes", "-o", "json"];
    let error = held.world.run(&[&delete[..], &token].concat()).error_json();
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("Workers could not be read") && hint.contains(ADVICE[2]), "{error}");
    assert!(hint.contains("\"Workers Scripts Read\" would show it"), "{error}");
    assert_eq!(error["unreadable_products"][0]["product"], "workers", "{error}");
    let plan = held.world.run(&[&["release", "api-client", "--dry-run"], &token[..]].concat());
    assert!(plan.stderr.contains("note: Workers could not be read"), "{plan:?}");
    let free = held.world.simulator.seed(Seed::leaf(CAS[0]).name("free")).unwrap();
    let run = held.world.run(&[&["associations", free.as_str()], &token[..]].concat());
    assert!(!run.stderr.contains("no use was found"), "that is not known: {run:?}");

    let ca = held.world.seed("unused");
    let prune = held.world.run(&[&["prune", "--unused", "--yes"], &token[..]].concat());
    assert_eq!(prune.code, 8, "{prune:?}");
    assert!(prune.stderr.contains("Workers Scripts Read"), "{prune:?}");
    let left = held.world.ids();
    assert!(left.contains(&free) && !left.contains(&ca), "{prune:?}");
}

/// Nothing is claimed of what nobody looked at.
#[test]
fn previews_say_what_was_looked_at() {
    let world = World::new();
    let free = world.simulator.add_zone("free.example");
    world.simulator.set_entitlement(&free, Entitlement::Missing).unwrap();
    world.seed("devices");
    let nothing = "  used by nothing\n";
    let unknown = "  no service shows a use of it\n";
    // (what is run, what it says of the uses)
    let table: [(&[&str], &str); 4] = [
        (&["delete", "devices", "--dry-run"], "  no service shows a use of it\n"),
        (&["release", "devices", "--dry-run"], "  no service shows a use of it\n"),
        // No zone was read for a CA.
        (&["prune", "--name-prefix", "dev", "--unused", "--dry-run"], unknown),
        (
            &["release", "devices", "--all-zones", "--dry-run"],
            "  note: 1 zone cannot have hostnames, for lack of the feature\n",
        ),
    ];
    for (arguments, says) in table {
        let run = world.run(arguments);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.stderr.contains(says), "{arguments:?}: {run:?}");
        assert_eq!(run.stderr.contains(nothing), says == nothing, "{arguments:?}: {run:?}");
    }
    let plan = world.json(&["release", "devices", "--all-zones", "--dry-run"]);
    assert_eq!(plan["unentitled"][0]["name"], "free.example");
}

#[test]
fn a_release_waits_for_a_person_if_asked_to() {
    let held = Held::new(Simulator::builder());
    let arguments = ["release", "api-client", "--yes", "--wait-for-holders", "--poll", "10ms"];
    let ended = held.world.run(&[&arguments[..], &["--wait", "30ms", "-o", "json"]].concat());
    assert_eq!(ended.code, 10, "the wait ran out: {ended:?}");
    assert_eq!(ended.error_json()["holders"].as_array().unwrap().len(), 3, "{ended:?}");
    let ended = held.world.run(&[&arguments[..], &["--wait", "1s", "-q"]].concat());
    assert_eq!(ended.code, 10, "{ended:?}");
    assert!(ADVICE.iter().all(|advice| ended.stderr.contains(advice)), "{ended:?}");

    let mut child = held.world.spawn(&arguments);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let waiting = lines.find(|line| line.starts_with("waiting until nothing uses")).unwrap();
    assert!(ADVICE.iter().all(|advice| waiting.contains(advice)), "{waiting}");
    held.free();
    lines.for_each(drop);
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(held.world.ids(), [""; 0]);
}

/// Cloudflare allows 1,200 requests in five minutes.
#[test]
fn a_preview_of_many_reads_each_once_and_no_zone_for_each() {
    let world = World::new();
    for number in 0..200 {
        world.simulator.add_zone(&format!("zone-{number}.example"));
    }
    let ids: Vec<String> = (0..20).map(|number| world.seed_in_use(&format!("c{number}"))).collect();
    world.simulator.clear_requests();
    let mut arguments = vec!["delete", "-", "--dry-run"];
    let mut child = world.command(&arguments);
    child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    child.stdin.take().unwrap().write_all(ids.join("\n").as_bytes()).unwrap();
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, 4, "{run:?}");
    assert_eq!(run.stderr.matches("  used by API Shield (active)\n").count(), 20, "{run:?}");
    assert!(run.stderr.contains("hostnames are not looked up; `cf-mtls associations"), "{run:?}");
    assert_eq!(world.simulator.request_count(None), 21, "the list, and one for each");

    // Two in use: their hostnames are worth a look.
    arguments = vec!["delete", "--dry-run", &ids[0], &ids[1]];
    world.simulator.clear_requests();
    let run = world.run(&arguments);
    let host = "used by a.example.com, b.example.com in zone example.com";
    assert_eq!(run.stderr.matches(host).count(), 2, "{run:?}");
    assert_eq!(world.simulator.request_count(Operation::Zones), 5, "once for both");

    // (what is run, how many requests): nobody sees a plan beside JSON.
    let free: Vec<String> = (0..100).map(|number| world.seed(&format!("f{number}"))).collect();
    world.simulator.clear_requests();
    arguments = vec!["delete", "--yes", "-o", "json"];
    arguments.extend(free.iter().map(String::as_str));
    assert_eq!(world.run(&arguments).code, 0);
    assert_eq!(world.simulator.request_count(None), 3 + 100);
}

#[test]
fn names_of_many_are_looked_up_in_one_walk() {
    let world = World::new();
    for number in 0..4 {
        world.seed(&format!("c{number}"));
    }
    world.simulator.clear_requests();
    assert_eq!(world.run(&["delete", "c0", "c1", "c2", "--yes", "-o", "json"]).code, 0);
    assert_eq!(world.simulator.request_count(None), 4, "the list, and three deletions");
}

/// They can only be deleted elsewhere, and that is known.
#[test]
fn a_managed_certificate_is_refused_with_the_place_and_nothing_is_sent() {
    // (type, where it is deleted)
    let table = [
        ("gateway_managed", "deactivate and delete it in Zero Trust"),
        ("access_managed", "delete the short-lived CA"),
    ];
    for (kind, place) in table {
        let world = World::new();
        let seed = |pem: &str| Seed::ca(pem).name("managed").kind(kind);
        let id = world.simulator.seed(seed(&new_ca())).unwrap();
        let prune = ["prune", "--name-prefix", "managed", "--type", kind];
        for arguments in [&["delete", id.as_str()][..], &["release", id.as_str()], &prune] {
            for consent in ["--yes", "--dry-run"] {
                let run = world.run(&[arguments, &[consent]].concat());
                assert_eq!(run.code, 2, "{run:?}");
                assert!(run.stderr.contains(place), "{run:?}");
                assert!(run.stderr.contains("nothing was changed"), "{run:?}");
            }
        }
        let free = world.seed("free");
        let run = world.run(&["delete", &id, &free, "--yes", "-o", "ndjson"]);
        assert_eq!(run.code, 8, "{run:?}");
        assert_eq!(run.lines()[0]["error"]["kind"], "invalid_input");
        assert_eq!(world.writes().len(), 1, "the other is deleted");
    }
}
