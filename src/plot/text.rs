//! Names from data, made safe to show.

/// Longest name that is shown whole.
const NAME_CHARS_MAX: usize = 80;

/// A name as it may be shown anywhere: what is invisible or moves the cursor is written as an
/// escape, so two names that differ always look different; cut at 80 characters.
///
/// Escaping for HTML is not done here: the page's writer does that.
///
/// ```
/// assert_eq!(driftd::plot::shown("fee\u{1b}[31m\nrow"), "fee\\u{1b}[31m\\nrow");
/// ```
pub fn shown(name: &str) -> String {
    shown_within(name, NAME_CHARS_MAX)
}

/// The same, cut at `chars_max` characters with an ellipsis as the last.
pub fn shown_within(name: &str, chars_max: usize) -> String {
    let mut out = String::with_capacity(name.len().min(chars_max.saturating_mul(4)));
    let mut chars = 0;
    for c in name.chars() {
        let piece: String = if is_hidden(c) { c.escape_default().collect() } else { c.to_string() };
        chars += piece.chars().count();
        if chars > chars_max {
            // One character less, so that the ellipsis fits too.
            while out.chars().count() + 1 > chars_max && out.pop().is_some() {}
            out.push('…');
            return out;
        }
        out.push_str(&piece);
    }
    out
}

/// Characters that are not seen, or that change how their neighbours are seen.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(shown_within(name, 12), expected);
    }

    #[test]
    fn names_are_shown_so_that_different_ones_look_different() {
        check("temp", "temp");
        check("température", "température");
        check("a\u{202e}b", "a\\u{202e}b");
        check("a\0b\tc", "a\\u{0}b\\tc");
        check("x\u{200b}", "x\\u{200b}");
        check("", "");
        check("exactlytwelv", "exactlytwelv");
        check("exactlytwelve", "exactlytwel…");
        check("\u{1b}\u{1b}\u{1b}\u{1b}", "\\u{1b}\\u{1b…");
        assert_eq!(shown_within("abc", 0), "…");
    }
}
