//! Pages that need no other file and no network: templates filled in, and the script that all of them share.

/// Numbers as text, an ordered colour scale, and elements; classic script, to stand before a page's own.
pub const SHARED_SCRIPT: &str = include_str!("page/shared.js");

/// The page with every `{{name}}` replaced by `part(name)`. What is put in is not searched again.
///
/// # Panics
/// If a `{{` has no `}}`: templates are part of the program.
pub fn fill(page: &str, part: &dyn Fn(&str) -> String) -> String {
    let mut pieces = page.split("{{");
    let mut out = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").expect("every {{ has its }}");
        out += &part(name);
        out += rest;
    }
    out
}

/// Text where markup is expected.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// JSON inside a script element: `<` stands in strings only, and there an escape means the same.
pub fn json_in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}
