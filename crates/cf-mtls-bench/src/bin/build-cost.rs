//! Measures what the client costs a consumer to build: `cargo xtask bench --build`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, ensure};
use nix::sys::resource::{UsageWho, getrusage};

/// A consumer that is built: what it is called here, its dependencies, and what
/// it does with them, so that the linker keeps what a real one keeps.
struct Consumer {
    name: &'static str,
    dependencies: &'static str,
    main: &'static str,
}

const BARE: &str = r#"
#[derive(serde::Deserialize)]
struct Envelope { success: bool }

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("no URL")?;
    let envelope: Envelope = reqwest::Client::new().delete(url).send().await?.json().await?;
    println!("{}", envelope.success);
    Ok(())
}
"#;

const OURS: &str = r#"
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = cf_mtls::Client::from_env()?;
    let id = std::env::args().nth(1).ok_or("no id")?.parse()?;
    let deleted = client.certificates(&cf_mtls::account_id_from_env()?).delete(&id).await?;
    println!("{}", deleted.is_confirmed());
    Ok(())
}
"#;

const CONSUMERS: [Consumer; 6] = [
    Consumer {
        name: "bare reqwest, rustls",
        dependencies: r#"reqwest = { version = "0.13.5", default-features = false, features = ["http2", "json", "query", "rustls"] }"#,
        main: BARE,
    },
    Consumer {
        name: "cf-mtls, rustls",
        dependencies: r#"cf-mtls = { path = "CF_MTLS" }"#,
        main: OURS,
    },
    Consumer {
        name: "bare reqwest, native-tls",
        dependencies: r#"reqwest = { version = "0.13.5", default-features = false, features = ["http2", "json", "native-tls", "query"] }"#,
        main: BARE,
    },
    Consumer {
        name: "cf-mtls, native-tls",
        dependencies: r#"cf-mtls = { path = "CF_MTLS", default-features = false, features = ["native-tls"] }"#,
        main: OURS,
    },
    Consumer {
        name: "cf-mtls, the caller's HTTP client",
        dependencies: r#"cf-mtls = { path = "CF_MTLS", default-features = false }"#,
        main: OURS,
    },
    Consumer {
        name: "reqwest with its default features",
        dependencies: r#"reqwest = { version = "0.13.5", features = ["json"] }"#,
        main: BARE,
    },
];

/// Builds consumers from a clean target folder, `runs` times in turns, and
/// prints crates, CPU seconds (the median) and the size of the binary.
fn main() -> anyhow::Result<()> {
    let runs: usize = env::args().nth(1).context("no number of runs")?.parse()?;
    ensure!(0 < runs, "at least one run is needed");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let root = root.as_path();
    let work = root.join("target/build-cost");
    let mut seconds = vec![Vec::new(); CONSUMERS.len()];
    let mut rows = Vec::new();
    for consumer in &CONSUMERS {
        rows.push(prepare(root, &work, consumer)?);
    }
    for _ in 0..runs {
        for (row, taken) in rows.iter().zip(&mut seconds) {
            let target = row.join("target");
            if target.exists() {
                fs::remove_dir_all(&target).context("cannot clean a target folder")?;
            }
            taken.push([build(row, "dev")?, build(row, "release")?]);
        }
    }
    println!("| consumer | crates | debug, CPU s | release, CPU s | release binary, KiB |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for ((consumer, row), taken) in CONSUMERS.iter().zip(&rows).zip(seconds) {
        let median = |profile: usize| {
            let mut values: Vec<f64> = taken.iter().map(|seconds| seconds[profile]).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let binary =
            fs::metadata(row.join("target/release/consumer")).context("no binary was built")?;
        println!(
            "| {} | {} | {:.1} | {:.1} | {} |",
            consumer.name,
            crates(row)?,
            median(0),
            median(1),
            binary.len() / 1024
        );
    }
    Ok(())
}

/// Builds with one job, and returns the CPU seconds in user mode.
fn build(folder: &Path, profile: &str) -> anyhow::Result<f64> {
    let used = || {
        let time = getrusage(UsageWho::RUSAGE_CHILDREN)?.user_time();
        anyhow::Ok(time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6)
    };
    let before = used()?;
    let arguments = ["build", "--quiet", "--offline", "--jobs", "1", "--profile", profile];
    checked(cargo_in(folder).args(arguments))?;
    Ok(used()? - before)
}

/// Writes a consumer's package, outside of the workspace, and fetches what it needs.
fn prepare(root: &Path, work: &Path, consumer: &Consumer) -> anyhow::Result<PathBuf> {
    let folder = work.join(consumer.name.replace([' ', ',', '\''], "-"));
    fs::create_dir_all(folder.join("src")).context("cannot make a package to measure")?;
    let path = root.join("crates/cf-mtls").display().to_string();
    let dependencies = consumer.dependencies.replace("CF_MTLS", &path);
    let manifest = format!(
        "[package]\nname = \"consumer\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [profile.release]\nstrip = true\n\n[dependencies]\n{dependencies}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\n\
         tokio = {{ version = \"1\", features = [\"macros\", \"rt\"] }}\n",
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src/main.rs"), consumer.main)?;
    // The same versions for all.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    checked(cargo_in(&folder).args(["fetch", "--quiet"]))?;
    Ok(folder)
}

/// How many crates are compiled, build scripts not counted.
fn crates(folder: &Path) -> anyhow::Result<usize> {
    let arguments = "tree --edges normal,build --prefix none --format {p}".split(' ');
    let output = cargo_in(folder).args(arguments).output()?;
    ensure!(output.status.success(), "cargo tree failed");
    let text = String::from_utf8(output.stdout)?;
    let mut names: Vec<_> = text
        .lines()
        .filter_map(|line| line.split(" (").next())
        .filter(|line| !line.is_empty())
        .collect();
    names.sort_unstable();
    names.dedup();
    Ok(names.len() - 1) // the consumer itself
}

fn cargo_in(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(folder).env("CARGO_TARGET_DIR", folder.join("target"));
    command
}

fn checked(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "failed: {command:?}");
    Ok(())
}
