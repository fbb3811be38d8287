//! Counts the allocations of decoding one page of 50 certificates.

#[path = "../bare.rs"]
#[allow(dead_code, reason = "only the structs are needed here")]
mod bare;
#[path = "../canned.rs"]
#[allow(dead_code, reason = "only the page is needed here")]
mod canned;

use cf_mtls::Certificate;

#[global_allocator]
static COUNTING: dhat::Alloc = dhat::Alloc;

fn main() -> serde_json::Result<()> {
    let items: Vec<_> = (0..canned::PER_PAGE).map(canned::certificate).collect();
    let page = format!("[{}]", items.join(","));
    let _profiler = dhat::Profiler::builder().testing().build();
    let count = |decode: &dyn Fn() -> serde_json::Result<()>| {
        let before = dhat::HeapStats::get();
        decode()?;
        let after = dhat::HeapStats::get();
        Ok::<_, serde_json::Error>((
            after.total_blocks - before.total_blocks,
            after.total_bytes - before.total_bytes,
        ))
    };
    let ours = count(&|| serde_json::from_str::<Vec<Certificate>>(&page).map(drop))?;
    let bare = count(&|| serde_json::from_str::<Vec<bare::Certificate>>(&page).map(drop))?;
    println!("| what | ours | bare | ratio |\n| --- | ---: | ---: | ---: |");
    println!(
        "| allocations of a page | {} | {} | {:.3} |",
        ours.0,
        bare.0,
        ours.0 as f64 / bare.0 as f64
    );
    println!(
        "| bytes of a page | {} | {} | {:.3} |",
        ours.1,
        bare.1,
        ours.1 as f64 / bare.1 as f64
    );
    Ok(())
}
