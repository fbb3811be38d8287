#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| cf_mtls_fuzz::differential(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    cf_mtls_fuzz::replay(cf_mtls_fuzz::differential)
}
