//! The page itself: template, style and scripts around the data.

use autograd::inspect::html::{SHARED_SCRIPT, escape, fill, json_in_script};

use super::Report;

/// The parts of the page, each a file of its own kind.
const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPTS: [&str; 13] = [
    include_str!("data.js"),
    SHARED_SCRIPT,
    include_str!("controls.js"),
    include_str!("axes.js"),
    include_str!("figure.js"),
    include_str!("looks.js"),
    include_str!("curves.js"),
    include_str!("gradients.js"),
    include_str!("factors.js"),
    include_str!("predicted.js"),
    include_str!("confusion.js"),
    include_str!("comparison.js"),
    include_str!("page.js"),
];

impl Report {
    /// One HTML file that needs no other file and no network.
    pub fn to_html(&self) -> String {
        fill(PAGE, &|name| match name {
            "title" => escape(&self.title),
            "style" => STYLE.to_string(),
            "report" => json_in_script(&serde_json::to_string(self).expect("plain data have JSON")),
            "script" => SCRIPTS.join("\n"),
            other => panic!("page.html has no part called {other}"),
        })
    }
}
