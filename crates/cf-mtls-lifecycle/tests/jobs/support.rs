use std::time::Duration;

use cf_mtls::{CertificateId, Certificates, ClientBuilder, Retry, ZoneId};
use cf_mtls_lifecycle::{ReleaseOptions, Step};
use cf_mtls_testkit::simulator::{Builder, Operation, Seed};
use cf_mtls_testkit::{DOCUMENTED_CA, Simulator};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use serde_json::Value;

thread_local! {
    /// One for each test: to set up TLS, which none of them uses, takes longer
    /// than most of them.
    static HTTP: reqwest::Client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
}

/// A client's settings, without waits between attempts.
pub(crate) fn client(simulator: &Simulator) -> ClientBuilder {
    cf_mtls::Client::builder(simulator.token())
        .with_base_url(simulator.base_url())
        .with_http_client(HTTP.with(Clone::clone))
        .with_retry(Retry::with_delays(4, |_| Duration::ZERO))
}

/// Of a client that waits for responses however far the clock is moved meanwhile.
pub(crate) fn certificates(simulator: &Simulator) -> Certificates {
    const HOUR: Duration = Duration::from_secs(3600);
    let client = client(simulator).with_attempt_timeout(HOUR).with_deadline(HOUR);
    certificates_of(simulator, client)
}

pub(crate) fn certificates_of(simulator: &Simulator, client: ClientBuilder) -> Certificates {
    let account = simulator.account_id().parse().unwrap();
    client.build().unwrap().certificates(&account)
}

pub(crate) fn zone_id(zone: &str) -> ZoneId {
    zone.parse().unwrap()
}

/// Looks again at once, for at most five seconds.
pub(crate) fn quick() -> ReleaseOptions {
    options(Duration::ZERO, Duration::from_secs(5))
}

pub(crate) fn options(delay: Duration, timeout: Duration) -> ReleaseOptions {
    let options = ReleaseOptions::default().with_poll_interval(delay, delay);
    options.with_wait_timeout(timeout)
}

/// Puts a CA in that is the same as every other one from here.
pub(crate) fn seed_ca(simulator: &Simulator, name: &str) -> CertificateId {
    let seed = Seed::ca(DOCUMENTED_CA).name(name);
    simulator.seed(seed).unwrap().parse().unwrap()
}

/// A CA certificate that no other test has.
pub(crate) fn make_ca(name: &str) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().pem()
}

/// The requests that change something, as operation, certificate and list.
pub(crate) fn writes(simulator: &Simulator) -> Vec<String> {
    let requests = simulator.requests().into_iter();
    let writes = requests.filter(|request| !request.is_read());
    writes
        .map(|request| match request.operation {
            Operation::ReplaceHostnames => {
                let body: Value = serde_json::from_str(&request.body.unwrap()).unwrap();
                let owner = body["mtls_certificate_id"].as_str().unwrap_or("managed");
                format!("PUT {owner} {}", body["hostnames"])
            }
            _ => {
                let tail = request.path.rsplit('/').next().unwrap_or_default();
                format!("{} {tail}", request.method)
            }
        })
        .collect()
}

/// Runs a job with a clock that it shares with the simulator, and that only moves on
/// while the job neither sends nor computes: hours pass in no time, but none while a
/// response is on its way. The test starts paused.
pub(crate) async fn in_virtual_time<T>(
    simulator: &Simulator,
    step: Duration,
    job: impl Future<Output = T>,
) -> T {
    // While a blocking task runs, tokio does not move its clock by itself.
    let (end, ended) = std::sync::mpsc::channel::<()>();
    tokio::task::spawn_blocking(move || ended.recv());
    let clock = async {
        let (mut idle, mut seen) = (0, 0);
        loop {
            let pause = || std::thread::sleep(Duration::from_millis(1));
            tokio::task::spawn_blocking(pause).await.unwrap();
            // The simulator serves one after the other.
            let is_open = simulator.requests().last().is_some_and(|one| one.status.is_none());
            let count = simulator.request_count(None);
            idle = if !is_open && count == seen { idle + 1 } else { 0 };
            seen = count;
            if 3 <= idle {
                idle = 0;
                simulator.advance(step);
                tokio::time::advance(step).await;
            }
        }
    };
    let result = tokio::select! {
        result = job => result,
        () = clock => unreachable!(),
    };
    drop(end);
    result
}

/// A CA under two hostnames of one zone and one of another, beside lists that
/// are none of its business.
pub(crate) struct InUse {
    pub(crate) simulator: Simulator,
    pub(crate) zones: [String; 3],
    pub(crate) ca: CertificateId,
    pub(crate) other: CertificateId,
}

/// How long changes take on the simulator's clock, which stands still.
pub(crate) const PROPAGATION: Duration = Duration::from_secs(30);

impl InUse {
    pub(crate) async fn start() -> Self {
        Self::start_with(|builder| builder).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(Builder) -> Builder) -> Self {
        let builder = Simulator::builder().propagation(PROPAGATION).no_rate_limit();
        let simulator = change(builder.clock_stands_still()).start().await.unwrap();
        let (ca, other) = (seed_ca(&simulator, "old"), seed_ca(&simulator, "other"));
        let zones = ["a.example", "b.example", "c.example"].map(|name| simulator.add_zone(name));
        let set = |zone: usize, ca: &CertificateId, hosts: &[&str]| {
            let (zone, hosts) = (&zones[zone], hosts.iter().copied());
            simulator.set_hostnames(zone, ca.as_str(), hosts).unwrap();
        };
        set(0, &ca, &["one.a.example", "two.a.example"]);
        set(1, &ca, &["one.b.example"]);
        set(0, &other, &["other.a.example"]);
        set(2, &other, &["other.c.example"]);
        for (zone, host) in [(0, "managed.a.example"), (1, "managed.b.example")] {
            simulator.set_managed_hostnames(&zones[zone], [host]).unwrap();
        }
        simulator.advance(PROPAGATION);
        Self { simulator, zones, ca, other }
    }

    /// The hostnames of a certificate in all zones.
    pub(crate) fn hostnames_of(&self, id: &CertificateId) -> Vec<String> {
        let zones = self.zones.iter();
        zones.flat_map(|zone| self.simulator.hostnames(zone, id.as_str())).collect()
    }

    /// Nothing of another certificate or of the managed CA was touched.
    pub(crate) fn assert_others_untouched(&self, row: &str) {
        let others = ["other.a.example", "other.c.example"];
        assert_eq!(self.hostnames_of(&self.other), others, "{row}");
        let managed: Vec<_> =
            self.zones.iter().map(|zone| self.simulator.managed_hostnames(zone)).collect();
        let want = [vec!["managed.a.example"], vec!["managed.b.example"], vec![]];
        assert_eq!(managed, want, "{row}");
        let effects = self.simulator.effects();
        for owner in [None, Some(self.other.as_str())] {
            assert_eq!(effects.hostnames_replaced_for(owner), 0, "{row}: {owner:?}");
        }
        assert_eq!(effects.deleted_as(self.other.as_str()), 0, "{row}");
    }

    /// Lets a third of the propagation pass whenever a job waits.
    pub(crate) fn let_time_pass(&self, step: &Step) {
        let waits = matches!(
            step,
            Step::AwaitingActive { .. } | Step::AwaitingRelease { .. } | Step::StillRefused { .. }
        );
        if waits {
            self.simulator.advance(PROPAGATION / 3);
        }
    }

    pub(crate) fn holds(&self, id: &CertificateId) -> bool {
        let held = self.simulator.certificates();
        held.iter().any(|certificate| certificate.id == id.as_str())
    }
}
