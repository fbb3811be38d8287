//! Observes how the service behaves where no documentation says so, and prints a
//! table of it. Ignored unless asked for:
//!
//! ```sh
//! CLOUDFLARE_API_TOKEN=… CLOUDFLARE_ACCOUNT_ID=… \
//!     CF_MTLS_ZONE_ID=… CF_MTLS_HOSTNAME=observer.example.com \
//!     cargo test -p cf-mtls --test live -- --ignored --nocapture
//! ```
//!
//! It touches only certificates that it uploads itself, and removes them whatever
//! happens. The zone is optional: with it, one hostname is attached to such a CA
//! for a few minutes. Ids, names and hostnames are replaced in the table, so that
//! it can be handed in as `openapi/README.md` says. The same observer runs on the
//! simulator with every test run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail that way")]

use std::env;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cf_mtls_testkit::Simulator;
use cf_mtls_testkit::simulator::Refusal;
use reqwest::Method;
use serde_json::{Value, json};

/// How long to wait for a change to show, and between two looks.
const MAX_LAG: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_secs(2);

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
    println!("\n{}", observer.run().await.table());
}

/// What the simulator assumes, row by row, where the service documents nothing.
/// Rows without a mark in `openapi/README.md` were seen on the service.
#[tokio::test]
async fn the_simulator_behaves_as_its_assumptions_say() {
    let simulator = Simulator::builder().accept_duplicates(false);
    let simulator = simulator.refusal(Refusal::AlreadyDeleted, 400, Some(99002), "already deleted");
    let simulator = simulator.start().await.unwrap();
    let zone = simulator.add_zone("example.com");
    let observer = Observer::new(
        simulator.base_url().to_owned(),
        simulator.token().to_owned(),
        simulator.account_id().to_owned(),
        Some((zone, "observer.example.com".to_owned())),
    );
    let seen = observer.run().await;
    let want = [
        ("upload", "200"),
        ("upload of the same again", "400, 1471 \"This certificate already exists\""),
        ("list shows the upload", "at once"),
        ("upload that cannot be parsed", "400"),
        ("leaf without its key", "400"),
        ("get of an unknown id", "404, 1472 \"Certificate not found\""),
        ("delete of an unknown id", "404, 1472 \"Certificate not found\""),
        ("largest page", "50"),
        ("hostnames replaced", "200"),
        ("list of hostnames shows it", "at once"),
        ("associations while attached", "API Shield active"),
        ("delete while in use", "400, 99001 \"Certificate cannot be deleted while in use."),
        ("delete possible", "at once"),
        ("result of the delete", "certificate"),
        ("get shows the delete", "at once"),
        ("delete again", "400, 99002"),
        ("left behind", "nothing"),
    ];
    for (row, value) in want {
        let found = seen.rows.iter().find(|(name, _)| name == row);
        let (_, found) = found.unwrap_or_else(|| panic!("no {row:?} in\n{}", seen.table()));
        assert!(found.starts_with(value), "{row}: {found}, not {value}");
    }
    assert_eq!(simulator.certificates().len(), 0, "it cleans up after itself");
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
}

impl Observer {
    fn new(
        base_url: String,
        token: String,
        account: String,
        zone: Option<(String, String)>,
    ) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(60));
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self {
            http: http.build().unwrap(),
            base_url,
            token,
            account,
            zone,
            name: format!("cf-mtls observer {}", seconds.as_secs()),
        }
    }

    async fn run(&self) -> Seen {
        let mut seen = Seen::default();
        let pem = ca(&self.name);
        let mut id = None;
        let outcome = self.observe(&mut seen, &pem, &mut id).await;
        if let Err(error) = outcome {
            seen.add("stopped", error.without_url().to_string());
        }
        // Whatever happened, nothing of this run stays.
        let left = match self.clean_up().await {
            Ok(0) => "nothing".to_owned(),
            Ok(count) => format!("{count} certificates named {:?}: delete them", self.name),
            Err(error) => format!("unknown: {}", error.without_url()),
        };
        seen.add("left behind", left);
        let mut secrets = vec![(self.account.as_str(), "ACCOUNT"), (&self.name, "NAME")];
        secrets.extend(id.as_deref().map(|id| (id, "CERTIFICATE")));
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

    async fn observe(
        &self,
        seen: &mut Seen,
        pem: &str,
        id: &mut Option<String>,
    ) -> Result<(), reqwest::Error> {
        let collection = format!("/accounts/{}/mtls_certificates", self.account);
        let upload = json!({"ca": true, "certificates": pem, "name": self.name});

        let response = self.send(Method::POST, &collection, Some(&upload)).await?;
        seen.add("upload", response.summary());
        seen.add("rate limit headers", response.rate_limit.clone());
        let stored = response.body["result"].clone();
        let Some(text) = stored["id"].as_str() else {
            return Ok(());
        };
        *id = Some(text.to_owned());
        let one = format!("{collection}/{text}");
        let mut fields: Vec<_> = stored.as_object().unwrap().keys().cloned().collect();
        fields.sort();
        seen.add("fields of a certificate", fields.join(" "));
        let times = [&stored["uploaded_on"], &stored["expires_on"]];
        seen.add("form of times", times.map(shape).join(", "));
        seen.add("form of the id", shape(&stored["id"]));
        seen.add("PEM kept as sent", (stored["certificates"] == pem).to_string());

        let response = self.send(Method::POST, &collection, Some(&upload)).await?;
        seen.add("upload of the same again", response.summary());
        let lag = self.wait(&collection, |body| lists(body, text)).await?;
        seen.add("list shows the upload", lag);
        for (row, body) in [
            (
                "upload that cannot be parsed",
                json!({"ca": true, "certificates": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}),
            ),
            ("leaf without its key", json!({"ca": false, "certificates": leaf()})),
        ] {
            let response = self.send(Method::POST, &collection, Some(&body)).await?;
            seen.add(row, response.summary());
            if let Some(id) = response.body["result"]["id"].as_str() {
                self.send(Method::DELETE, &format!("{collection}/{id}"), None).await?;
            }
        }
        let unknown = format!("{collection}/00000000-0000-4000-8000-000000000000");
        for (row, method) in
            [("get of an unknown id", Method::GET), ("delete of an unknown id", Method::DELETE)]
        {
            seen.add(row, self.send(method, &unknown, None).await?.summary());
        }
        let large = format!("{collection}?per_page=1000");
        let response = self.send(Method::GET, &large, None).await?;
        let per_page = &response.body["result_info"]["per_page"];
        seen.add("largest page", per_page.to_string());

        if let Some((zone, hostname)) = &self.zone {
            self.observe_hostnames(seen, text, &one, zone, hostname).await?;
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
        seen.add("delete", response.summary());
        seen.add("delete possible", lag_of(begun));
        let form = match &response.body["result"] {
            Value::Object(fields) if 1 < fields.len() => "certificate",
            Value::Object(fields) if fields.contains_key("id") => "only an id",
            Value::Null => "null",
            _ => "something else",
        };
        seen.add("result of the delete", form);
        let again = self.send(Method::DELETE, &one, None).await?;
        let lag = self.wait(&one, |body| body["success"] == false).await?;
        seen.add("get shows the delete", lag);
        seen.add("delete again", again.summary());
        Ok(())
    }

    async fn observe_hostnames(
        &self,
        seen: &mut Seen,
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
        seen.add("hostnames replaced", response.summary());
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
        seen.add("list of hostnames shows it", lag);
        let associations = format!("{one}/associations");
        let listed = |body: &Value| body["result"].as_array().is_some_and(|rows| !rows.is_empty());
        let lag = self.wait(&associations, listed).await?;
        let response = self.send(Method::GET, &associations, None).await?;
        let word = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        let rows = response.body["result"].as_array().into_iter().flatten();
        let rows: Vec<_> =
            rows.map(|row| format!("{} {}", word(&row["service"]), word(&row["status"]))).collect();
        seen.add("associations while attached", rows.join(", "));
        seen.add("associations show it", lag);
        let response = self.send(Method::DELETE, one, None).await?;
        seen.add("delete while in use", response.summary());

        self.send(Method::PUT, &path, Some(&replace(&[]))).await?;
        seen.add("list of hostnames shows it gone", self.wait(&list, held(0)).await?);
        Ok(())
    }

    /// Deletes every certificate of this run; returns how many are left.
    async fn clean_up(&self) -> Result<usize, reqwest::Error> {
        let collection = format!("/accounts/{}/mtls_certificates", self.account);
        let begun = Instant::now();
        loop {
            let named = reqwest::Url::parse_with_params(
                "http://localhost/",
                [("name", self.name.as_str()), ("per_page", "50")],
            );
            let query = named.unwrap().query().unwrap().to_owned();
            let list = format!("{collection}?{query}");
            let response = self.send(Method::GET, &list, None).await?;
            let rows = response.body["result"].as_array().cloned().unwrap_or_default();
            // The filter is not documented, and nothing else may be touched.
            let mine = rows.iter().filter(|row| row["name"] == self.name.as_str());
            let ids: Vec<_> = mine.filter_map(|row| row["id"].as_str()).collect();
            let mut left = 0;
            for id in &ids {
                if let Some((zone, _)) = &self.zone {
                    let path =
                        format!("/zones/{zone}/certificate_authorities/hostname_associations");
                    let none = json!({"hostnames": [], "mtls_certificate_id": id});
                    self.send(Method::PUT, &path, Some(&none)).await?;
                }
                let response =
                    self.send(Method::DELETE, &format!("{collection}/{id}"), None).await?;
                let gone = response.summary().to_ascii_lowercase();
                let gone =
                    response.is_success() || gone.contains("already") || gone.contains("1472");
                left += usize::from(!gone);
            }
            if left == 0 || MAX_LAG < begun.elapsed() {
                return Ok(left);
            }
            tokio::time::sleep(POLL).await;
        }
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
