//! The binary, and a world for it.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use cf_mtls_testkit::DOCUMENTED_CA;
use cf_mtls_testkit::simulator::{Builder, Seed, Simulator};
use serde_json::Value;

pub(crate) const HOSTS: [&str; 2] = ["a.example.com", "b.example.com"];

/// A simulator with a zone, and the binary pointed at it.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) zone: String,
    pub(crate) folder: tempfile::TempDir,
}

/// What became of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Simulator::builder())
    }

    pub(crate) fn with(builder: Builder) -> Self {
        let simulator = builder.start_blocking().unwrap();
        let zone = simulator.add_zone("example.com");
        let folder = tempfile::tempdir().unwrap();
        Self { simulator, zone, folder }
    }

    /// A certificate in the account.
    pub(crate) fn seed(&self, name: &str) -> String {
        self.simulator.seed(Seed::ca(DOCUMENTED_CA).name(name)).unwrap()
    }

    /// A certificate that expires so many days from now.
    pub(crate) fn seed_expiring(&self, name: &str, days: i64) -> String {
        let day = Duration::from_secs(24 * 3600);
        // A bit more than whole days, so that they are still whole in the test.
        let distance = day * u32::try_from(days.unsigned_abs()).unwrap() + Duration::from_secs(600);
        let end = match days < 0 {
            true => SystemTime::now() - distance,
            false => SystemTime::now() + distance,
        };
        let seed = Seed::ca(DOCUMENTED_CA).name(name).expires_on(end);
        self.simulator.seed(seed).unwrap()
    }

    /// A certificate that two hostnames use.
    pub(crate) fn seed_in_use(&self, name: &str) -> String {
        let id = self.seed(name);
        self.simulator.set_hostnames(&self.zone, &id, HOSTS).unwrap();
        id
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare(arguments);
        command.envs(self.simulator.environment());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    /// A run that has to succeed, and its JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.extend(["--output", "json"]);
        let run = self.run(&all);
        assert_eq!(run.code, 0, "{run:?}");
        serde_json::from_str(&run.stdout).unwrap()
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        let held = self.simulator.certificates();
        held.into_iter().map(|certificate| certificate.id).collect()
    }

    /// What was sent that is not a read.
    pub(crate) fn writes(&self) -> Vec<String> {
        let seen = self.simulator.requests().into_iter();
        let writes = seen.filter(|request| request.method != "GET");
        writes.map(|request| format!("{} {}", request.method, request.path)).collect()
    }
}

/// The binary without any environment that it reads.
pub(crate) fn bare(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cf-mtls"));
    command.args(arguments).stdin(Stdio::null());
    for name in [
        "CLOUDFLARE_API_TOKEN",
        "CLOUDFLARE_EMAIL",
        "CLOUDFLARE_API_KEY",
        "CLOUDFLARE_ACCOUNT_ID",
        "CLOUDFLARE_BASE_URL",
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "RUST_LOG",
        "CF_MTLS_COMPLETE",
    ] {
        command.env_remove(name);
    }
    command
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    pub(crate) fn last_error(&self) -> &str {
        let error = self.stderr.lines().rfind(|line| line.starts_with("error: "));
        let last = self.stderr.lines().last();
        error.or(last).unwrap_or_default()
    }

    pub(crate) fn error_json(&self) -> Value {
        serde_json::from_str(self.last_error()).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A CA of its own, in PEM.
pub(crate) fn new_ca() -> String {
    new_ca_named("a CA")
}

/// A CA of its own with this common name, in PEM.
pub(crate) fn new_ca_named(name: &str) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::default();
    let mut subject = rcgen::DistinguishedName::new();
    subject.push(rcgen::DnType::CommonName, name);
    parameters.distinguished_name = subject;
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.self_signed(&key).unwrap().pem()
}

/// A leaf and its key, in PEM.
pub(crate) fn new_leaf() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(["leaf.example.com".to_owned()]).unwrap();
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// Sends a signal to a process that this test started.
#[cfg(unix)]
pub(crate) fn signal(child: &Child, signal: &str) {
    let id = child.id().to_string();
    let status = Command::new("kill").args([signal, &id]).status().unwrap();
    assert!(status.success());
}
