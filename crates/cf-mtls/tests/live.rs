//! Observes how the service behaves where no documentation says so, and prints a
//! table of it. Ignored unless asked for:
//!
//! ```sh
//! CLOUDFLARE_API_TOKEN=… CLOUDFLARE_ACCOUNT_ID=… \
//!     CF_MTLS_ZONE_ID=… CF_MTLS_HOSTNAME=observer.example.com \
//!     cargo test -p cf-mtls --test live -- --ignored --nocapture
//! ```
//!
//! It changes only certificates that it uploads itself, and removes them whatever
//! happens: also after an error, a panic, or Ctrl-C. Of a certificate that Gateway or
//! Access manages it reads the type in the list, and never tries to delete it. The zone
//! is optional: with it, one hostname is attached to such a CA for a few minutes. Ids,
//! names and hostnames are replaced in the table, so that it can be handed in as
//! `openapi/README.md` says. The same observer runs on the simulator with every test run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail that way")]

use std::env;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cf_mtls_testkit::simulator::{Operation, Seed};
use cf_mtls_testkit::{DOCUMENTED_CA, Simulator};
use reqwest::Method;
use serde_json::{Value, json};

/// How long to wait for a change to show, and between two looks.
const MAX_LAG: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_secs(2);
/// How long to look for an upload whose response was lost, before nothing is left behind.
const SETTLING: Duration = Duration::from_secs(30);

#[tokio::test]
#[ignore = "works on a real account, named by the environment"]
async fn the_account_is_observed() {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let required = |name| variable(name).unwrap_or_else(|| panic!("{name} is not set"));
    let observer = Observer::new(
        variable("CLOUDFLARE_BASE_URL")
            .unwrap_or_else(|| "https://api.cloudflare.com/client/v4".to_owned()),
        required("CLOUDFLARE_API_TOKEN"),
        required("CLOUDFLARE_ACCOUNT_ID"),
        variable("CF_MTLS_ZONE_ID").zip(variable("CF_MTLS_HOSTNAME")),
    );
    let interrupt = async { tokio::signal::ctrl_c().await.unwrap() };
    println!("\n{}", observer.run(interrupt, SETTLING).await.table());
}

const HOSTNAME: &str = "observer.example.com";

async fn simulator(list_lag: Duration) -> (Simulator, String) {
    let builder = Simulator::builder().clock_stands_still().list_lag(list_lag);
    let simulator = builder.start().await.unwrap();
    let zone = simulator.add_zone("example.com");
    simulator.seed(Seed::ca(DOCUMENTED_CA).kind("gateway_managed")).unwrap();
    (simulator, zone)
}

fn observer_of(simulator: &Simulator, zone: &str) -> Arc<Observer> {
    Observer::new(
        simulator.base_url().to_owned(),
        simulator.token().to_owned(),
        simulator.account_id().to_owned(),
        Some((zone.to_owned(), HOSTNAME.to_owned())),
    )
}

/// What the simulator assumes, row by row, where the service documents nothing.
/// Rows without a mark in `openapi/README.md` were seen on the service.
#[tokio::test]
async fn the_simulator_behaves_as_its_assumptions_say() {
    let (simulator, zone) = simulator(Duration::ZERO).await;
    let observer = observer_of(&simulator, &zone);
    let seen = observer.run(std::future::pending(), Duration::ZERO).await;
    let want = [
        ("types in the list", "gateway_managed"),
        ("result of an empty list", "[]"),
        ("upload", "200"),
        ("rate limit headers", r#""default";r=1197;t=300, "default";q=1200;w=300"#),
        ("fields of an envelope", "errors messages result success"),
        (
            "fields of a certificate",
            "ca certificates expires_on id issuer name serial_number signature type updated_at \
             uploaded_on",
        ),
        ("form of times", "0000-00-00T00:00:00.000000Z, 0000-00-00T00:00:00Z"),
        ("form of the id", "00000000-0000-0000-0000-000000000000"),
        ("PEM kept as sent", "true"),
        ("upload of the same again", r#"400, 1471 "This certificate already exists""#),
        ("list shows the upload", "at once"),
        ("upload that cannot be parsed", r#"400, 99003 "unable to parse certificate""#),
        ("leaf without its key", r#"400, 99003 "a leaf certificate needs its private key""#),
        ("get of an unknown id", r#"404, 1472 "Certificate not found""#),
        ("delete of an unknown id", r#"404, 1472 "Certificate not found""#),
        ("largest page", "50"),
        ("associations of an unused certificate", "[]"),
        ("hostnames replaced", "200"),
        ("list of hostnames shows it", "at once"),
        ("associations while attached", "API Shield active"),
        ("associations show it", "at once"),
        ("delete while in use", r#"400, 99001 "Certificate cannot be deleted while in use.""#),
        ("list of hostnames shows it gone", "at once"),
        ("associations show it gone", "at once"),
        ("delete", "200"),
        ("delete possible", "at once"),
        ("result of the delete", "certificate"),
        ("get shows the delete", "at once"),
        ("delete again", r#"400, 99002 "Certificate is already deleted.""#),
        ("left behind", "nothing"),
    ];
    let rows: Vec<(&str, &str)> =
        seen.rows.iter().map(|(row, value)| (row.as_str(), value.as_str())).collect();
    assert_eq!(rows, want, "\n{}", seen.table());
    assert_clean(&simulator, &zone, "the end");
}

/// What was there stays, and nothing else.
fn assert_clean(simulator: &Simulator, zone: &str, row: &str) {
    let left: Vec<_> = simulator.certificates().into_iter().map(|one| one.kind).collect();
    assert_eq!(left, ["gateway_managed"], "{row}");
    let effects = simulator.effects();
    assert_eq!(effects.stored, effects.deleted, "{row}");
    assert!(simulator.managed_hostnames(zone).is_empty(), "{row}");
}

/// Interrupted after each of its requests.
#[tokio::test]
async fn the_observer_leaves_nothing_behind_when_it_is_interrupted() {
    // Also while the list does not show the upload.
    let late = [(5, Duration::from_secs(3600))];
    for (count, lag) in late.into_iter().chain((1..).map(|count| (count, Duration::ZERO))) {
        let (simulator, zone) = simulator(lag).await;
        let observer = observer_of(&simulator, &zone);
        let interrupt = async {
            while simulator.request_count(None) < count {
                tokio::time::sleep(Duration::from_micros(50)).await;
            }
        };
        let seen = observer.run(interrupt, Duration::from_millis(20)).await;
        assert_clean(&simulator, &zone, &format!("after {count} requests"));
        if !seen.table().contains("interrupted") {
            assert!(15 < count, "{count}");
            break;
        }
        assert!(seen.table().contains("| left behind | nothing |"), "{}", seen.table());
        assert_eq!(simulator.request_count(Operation::Unknown), 0);
    }
}

/// A response: its status, and its body where that is JSON.
struct Response {
    status: u16,
    rate_limit: String,
    body: Value,
}

impl Response {
    fn is_success(&self) -> bool {
        self.body["success"] == true
    }

    /// Status, codes and messages of a refusal.
    fn summary(&self) -> String {
        let mut text = self.status.to_string();
        for error in self.body["errors"].as_array().into_iter().flatten() {
            text.push_str(&format!(", {} {}", error["code"], error["message"]));
        }
        text
    }
}

/// What was seen, in order.
#[derive(Default)]
struct Seen {
    rows: Vec<(String, String)>,
}

impl Seen {
    fn add(&mut self, row: &str, value: impl Into<String>) {
        self.rows.push((row.to_owned(), value.into()));
    }

    /// As Markdown, to be handed in.
    fn table(&self) -> String {
        let mut text = "| observation | seen |\n| --- | --- |\n".to_owned();
        for (row, value) in &self.rows {
            text.push_str(&format!("| {row} | {} |\n", value.replace('|', "\\|")));
        }
        text
    }
}

/// Speaks to the service without the client, which would interpret what it sees.
struct Observer {
    http: reqwest::Client,
    base_url: String,
    token: String,
    account: String,
    /// A zone, and the hostname to attach there.
    zone: Option<(String, String)>,
    name: String,
    state: Mutex<State>,
}

/// What was seen, and the certificates that were uploaded and are not deleted yet.
#[derive(Default)]
struct State {
    seen: Seen,
    uploaded: Vec<String>,
    /// Every id, to replace it in the table.
    ids: Vec<String>,
}

impl Observer {
    fn new(
        base_url: String,
        token: String,
        account: String,
        zone: Option<(String, String)>,
    ) -> Arc<Self> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(60));
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Arc::new(Self {
            http: http.build().unwrap(),
            base_url,
            token,
            account,
            zone,
            name: format!("cf-mtls observer {}", seconds.as_secs()),
            state: Mutex::default(),
        })
    }

    fn add(&self, row: &str, value: impl Into<String>) {
        self.state.lock().unwrap().seen.add(row, value);
    }

    async fn run(
        self: &Arc<Self>,
        interrupt: impl Future<Output = ()>,
        settling: Duration,
    ) -> Seen {
        let this = Arc::clone(self);
        // A task of its own, so that its panic ends it alone.
        let mut task = tokio::spawn(async move { this.observe().await });
        let stopped = tokio::select! {
            biased;
            ended = &mut task => match ended {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.without_url().to_string()),
                Err(panic) => Some(panic.to_string()),
            },
            () = interrupt => {
                task.abort();
                Some("interrupted".to_owned())
            }
        };
        // Whatever happened, nothing of this run stays.
        let settling = if stopped.is_some() { settling } else { Duration::ZERO };
        if let Some(why) = stopped {
            self.add("stopped", why);
        }
        println!("cleaning up");
        let left = match self.clean_up(settling).await {
            Ok(0) => "nothing".to_owned(),
            Ok(count) => format!("{count} certificates named {:?}: delete them", self.name),
            Err(error) => format!("unknown: {}", error.without_url()),
        };
        self.add("left behind", left);
        let State { mut seen, ids, .. } = std::mem::take(&mut *self.state.lock().unwrap());
        let mut secrets = vec![(self.account.as_str(), "ACCOUNT"), (&self.name, "NAME")];
        secrets.extend(ids.iter().map(|id| (id.as_str(), "CERTIFICATE")));
        if let Some((zone, hostname)) = &self.zone {
            secrets.extend([(zone.as_str(), "ZONE"), (hostname.as_str(), "HOSTNAME")]);
        }
        for (_, value) in &mut seen.rows {
            for (secret, placeholder) in &secrets {
                *value = value.replace(secret, placeholder);
            }
        }
        seen
    }

    /// Sends an upload, and remembers the certificate.
    async fn upload(&self, body: &Value) -> Result<Response, reqwest::Error> {
        let response = self.send(Method::POST, &self.collection(), Some(body)).await?;
        if let Some(id) = response.body["result"]["id"].as_str() {
            let mut state = self.state.lock().unwrap();
            state.uploaded.push(id.to_owned());
            state.ids.push(id.to_owned());
        }
        Ok(response)
    }

    fn collection(&self) -> String {
        format!("/accounts/{}/mtls_certificates", self.account)
    }

    async fn observe(&self) -> Result<(), reqwest::Error> {
        let collection = self.collection();
        let pem = ca(&self.name);
        let upload = json!({"ca": true, "certificates": pem, "name": self.name});

        let response = self.send(Method::GET, &collection, None).await?;
        let rows = response.body["result"].as_array().into_iter().flatten();
        let mut types: Vec<_> = rows.map(|row| word(&row["type"])).collect();
        types.sort();
        types.dedup();
        self.add("types in the list", types.join(", "));
        let nobody = format!("{collection}?name=cf-mtls-observer-nobody");
        let empty = self.send(Method::GET, &nobody, None).await?;
        self.add("result of an empty list", empty.body["result"].to_string());
        let response = self.upload(&upload).await?;
        self.add("upload", response.summary());
        self.add("rate limit headers", response.rate_limit.clone());
        self.add("fields of an envelope", fields(&response.body));
        let stored = response.body["result"].clone();
        let Some(text) = stored["id"].as_str() else {
            return Ok(());
        };
        let one = format!("{collection}/{text}");
        self.add("fields of a certificate", fields(&stored));
        let times = [&stored["uploaded_on"], &stored["expires_on"]];
        self.add("form of times", times.map(shape).join(", "));
        self.add("form of the id", shape(&stored["id"]));
        self.add("PEM kept as sent", (stored["certificates"] == pem).to_string());

        let response = self.upload(&upload).await?;
        self.add("upload of the same again", response.summary());
        let lag = self.wait(&collection, |body| lists(body, text)).await?;
        self.add("list shows the upload", lag);
        let not_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (row, is_ca, pem) in [
            ("upload that cannot be parsed", true, not_pem),
            ("leaf without its key", false, &leaf()),
        ] {
            let body = json!({"ca": is_ca, "certificates": pem, "name": self.name});
            self.add(row, self.upload(&body).await?.summary());
        }
        let unknown = format!("{collection}/00000000-0000-4000-8000-000000000000");
        for (row, method) in
            [("get of an unknown id", Method::GET), ("delete of an unknown id", Method::DELETE)]
        {
            self.add(row, self.send(method, &unknown, None).await?.summary());
        }
        let large = format!("{collection}?per_page=1000");
        let response = self.send(Method::GET, &large, None).await?;
        let per_page = &response.body["result_info"]["per_page"];
        self.add("largest page", per_page.to_string());
        let associations = self.send(Method::GET, &format!("{one}/associations"), None).await?;
        let unused = associations.body["result"].to_string();
        self.add("associations of an unused certificate", unused);

        if let Some((zone, hostname)) = &self.zone {
            self.observe_hostnames(text, &one, zone, hostname).await?;
        }
        // Refused for a while after the last use has ended.
        let begun = Instant::now();
        let response = loop {
            let response = self.send(Method::DELETE, &one, None).await?;
            if response.is_success() || MAX_LAG < begun.elapsed() {
                break response;
            }
            tokio::time::sleep(POLL).await;
        };
        self.add("delete", response.summary());
        self.add("delete possible", lag_of(begun));
        let form = match &response.body["result"] {
            Value::Object(fields) if 1 < fields.len() => "certificate",
            Value::Object(fields) if fields.contains_key("id") => "only an id",
            Value::Null => "null",
            _ => "something else",
        };
        self.add("result of the delete", form);
        let again = self.send(Method::DELETE, &one, None).await?;
        let lag = self.wait(&one, |body| body["success"] == false).await?;
        self.add("get shows the delete", lag);
        self.add("delete again", again.summary());
        Ok(())
    }

    async fn observe_hostnames(
        &self,
        id: &str,
        one: &str,
        zone: &str,
        hostname: &str,
    ) -> Result<(), reqwest::Error> {
        let path = format!("/zones/{zone}/certificate_authorities/hostname_associations");
        let list = format!("{path}?mtls_certificate_id={id}");
        let replace =
            |hostnames: &[&str]| json!({"hostnames": hostnames, "mtls_certificate_id": id});
        let response = self.send(Method::PUT, &path, Some(&replace(&[hostname]))).await?;
        self.add("hostnames replaced", response.summary());
        if !response.is_success() {
            return Ok(());
        }
        let held = |count: usize| {
            move |body: &Value| {
                let hostnames = body["result"]["hostnames"].as_array();
                body["success"] == true && hostnames.map_or(0, Vec::len) == count
            }
        };
        let lag = self.wait(&list, held(1)).await?;
        self.add("list of hostnames shows it", lag);
        let associations = format!("{one}/associations");
        let listed = |body: &Value| body["result"].as_array().is_some_and(|rows| !rows.is_empty());
        let lag = self.wait(&associations, listed).await?;
        let response = self.send(Method::GET, &associations, None).await?;
        let rows = response.body["result"].as_array().into_iter().flatten();
        let rows: Vec<_> =
            rows.map(|row| format!("{} {}", word(&row["service"]), word(&row["status"]))).collect();
        self.add("associations while attached", rows.join(", "));
        self.add("associations show it", lag);
        let response = self.send(Method::DELETE, one, None).await?;
        self.add("delete while in use", response.summary());

        self.send(Method::PUT, &path, Some(&replace(&[]))).await?;
        let lag = self.wait(&list, held(0)).await?;
        self.add("list of hostnames shows it gone", lag);
        let lag = self.wait(&associations, |body| !listed(body)).await?;
        self.add("associations show it gone", lag);
        Ok(())
    }

    /// Deletes every certificate of this run; returns how many are left. Tried again for
    /// as long as a change may lag, and for `settling` if one may still appear.
    async fn clean_up(&self, settling: Duration) -> Result<usize, reqwest::Error> {
        let begun = Instant::now();
        loop {
            let left = self.sweep().await;
            let is_clean = left.as_ref().is_ok_and(|left| *left == 0);
            if is_clean && settling <= begun.elapsed() || MAX_LAG < begun.elapsed() {
                return left;
            }
            tokio::time::sleep(POLL.min(settling.max(Duration::from_millis(10)))).await;
        }
    }

    async fn sweep(&self) -> Result<usize, reqwest::Error> {
        let collection = self.collection();
        let named = reqwest::Url::parse_with_params(
            "http://localhost/",
            [("name", self.name.as_str()), ("per_page", "50")],
        );
        let query = named.unwrap().query().unwrap().to_owned();
        let response = self.send(Method::GET, &format!("{collection}?{query}"), None).await?;
        let rows = response.body["result"].as_array().cloned().unwrap_or_default();
        // The filter is not documented, and nothing else may be touched.
        let mine = rows.iter().filter(|row| row["name"] == self.name.as_str());
        let mut ids: Vec<_> = mine.filter_map(|row| row["id"].as_str()).collect();
        // The list may lag.
        let uploaded = self.state.lock().unwrap().uploaded.clone();
        ids.extend(uploaded.iter().map(String::as_str));
        ids.sort_unstable();
        ids.dedup();
        let mut left = usize::from(!response.is_success());
        for id in ids {
            if let Some((zone, _)) = &self.zone {
                let path = format!("/zones/{zone}/certificate_authorities/hostname_associations");
                let none = json!({"hostnames": [], "mtls_certificate_id": id});
                self.send(Method::PUT, &path, Some(&none)).await?;
            }
            let one = format!("{collection}/{id}");
            let response = self.send(Method::DELETE, &one, None).await?;
            let text = response.summary().to_ascii_lowercase();
            if response.is_success() || text.contains("already") || text.contains("1472") {
                self.state.lock().unwrap().uploaded.retain(|other| other != id);
            } else {
                left += 1;
            }
        }
        Ok(left)
    }

    /// Reads until the response is as wanted; returns how long that took.
    async fn wait(
        &self,
        path: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<String, reqwest::Error> {
        let begun = Instant::now();
        let mut looks = 0;
        while begun.elapsed() < MAX_LAG {
            looks += 1;
            if wanted(&self.send(Method::GET, path, None).await?.body) {
                return Ok(match looks {
                    1 => "at once".to_owned(),
                    _ => lag_of(begun),
                });
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(format!("not within {} s", MAX_LAG.as_secs()))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response, reqwest::Error> {
        let url = format!("{}{path}", self.base_url);
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let header = |name| response.headers().get(name)?.to_str().ok();
        let rate_limit = ["ratelimit", "ratelimit-policy"].map(|name| header(name).unwrap_or("-"));
        let rate_limit = rate_limit.join(", ");
        let bytes = response.bytes().await?;
        Ok(Response {
            status,
            rate_limit,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        })
    }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or("?").to_owned()
}

fn fields(object: &Value) -> String {
    let mut fields: Vec<_> = object.as_object().into_iter().flat_map(|one| one.keys()).collect();
    fields.sort();
    fields.into_iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn lag_of(begun: Instant) -> String {
    match begun.elapsed() {
        elapsed if elapsed < POLL => "at once".to_owned(),
        elapsed => format!("after {} s", elapsed.as_secs()),
    }
}

fn lists(body: &Value, id: &str) -> bool {
    let mut rows = body["result"].as_array().into_iter().flatten();
    rows.any(|row| row["id"] == id)
}

/// A text with digits and letters in the place of those it has.
fn shape(value: &Value) -> String {
    let text = value.as_str().unwrap_or("none");
    let shape = text.chars().map(|c| match c {
        '0'..='9' | 'a'..='f' => '0',
        c => c,
    });
    shape.collect()
}

/// A self-signed CA whose key is forgotten at once.
fn ca(name: &str) -> String {
    let mut parameters = rcgen::CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    self_signed(parameters, name)
}

fn leaf() -> String {
    self_signed(rcgen::CertificateParams::default(), "cf-mtls observer leaf")
}

fn self_signed(mut parameters: rcgen::CertificateParams, name: &str) -> String {
    let name_of = &mut parameters.distinguished_name;
    name_of.push(rcgen::DnType::CommonName, name);
    let key = rcgen::KeyPair::generate().unwrap();
    parameters.self_signed(&key).unwrap().pem()
}
