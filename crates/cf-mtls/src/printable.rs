//! Words of the service that go to a terminal.

/// Leaves out what a terminal obeys instead of showing it.
pub(crate) fn printable(text: &str) -> String {
    let obeyed = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
    };
    text.chars().filter(|c| !obeyed(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_what_a_terminal_obeys() {
        let table = [
            ("api.example.com", "api.example.com"),
            ("a\u{1b}[31mb\r\n", "a[31mb"),
            ("a\u{202e}b\u{200b}", "ab"),
            ("bücher.example", "bücher.example"),
        ];
        for (text, want) in table {
            assert_eq!(printable(text), want, "{text:?}");
        }
    }
}
