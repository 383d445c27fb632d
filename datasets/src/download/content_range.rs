//! The `Content-Range` header (RFC 9110, section 14.4).

/// What a server says a body is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    /// First and last byte; `None` where the wanted range is not there (`bytes */N`).
    pub(super) bytes: Option<(u64, u64)>,
    /// Length of the whole, if the server says so.
    pub(super) total: Option<u64>,
}

impl ContentRange {
    /// Reads `bytes FIRST-LAST/TOTAL`, with `*` for an unknown total or, where there is no such range, for the range. `None` for
    /// anything else, also for numbers that contradict each other.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (unit, rest) = text.trim().split_once(' ')?;
        let (range, total) = rest.trim().split_once('/')?;
        let total = if total == "*" { None } else { Some(number(total)?) };
        let bytes = if range == "*" {
            None
        } else {
            let (first, last) = range.split_once('-')?;
            Some((number(first)?, number(last)?))
        };
        let fits = bytes.is_none_or(|(first, last)| {
            first <= last && last < u64::MAX && total.is_none_or(|total| last < total)
        });
        (unit.eq_ignore_ascii_case("bytes") && fits).then_some(Self { bytes, total })
    }
}

/// Digits alone: `parse` would take a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first, second and last are examples of RFC 9110, section 14.4.
    #[test]
    fn examples() {
        let parse = |text| ContentRange::parse(text).map(|range| (range.bytes, range.total));
        assert_eq!(parse("bytes 42-1233/1234"), Some((Some((42, 1233)), Some(1234))));
        assert_eq!(parse("bytes 42-1233/*"), Some((Some((42, 1233)), None)));
        assert_eq!(parse("Bytes 0-0/1"), Some((Some((0, 0)), Some(1))));
        assert_eq!(parse("bytes */1234"), Some((None, Some(1234))));
        let wrong = [
            "",
            "bytes",
            "bytes 1-2",
            "bytes 2-1/9",
            "bytes 1-9/9",
            "bytes +1-2/9",
            "items 1-2/9",
            "bytes -/9",
        ];
        let large = ["bytes 1-2/99999999999999999999", "bytes 0-18446744073709551615/*", "bytes 1-/9"];
        for text in wrong.into_iter().chain(large) {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
