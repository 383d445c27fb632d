//! One self-contained page to look at a tape with.

use serde::Serialize;

use super::html::{SHARED_SCRIPT, escape, fill, json_in_script};
use super::layout::{Layout, NODE_HEIGHT, NODE_WIDTH};
use super::snapshot::Snapshot;
use crate::error::Result;

/// The parts of the page, each a file of its own kind.
const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPTS: [&str; 7] = [
    SHARED_SCRIPT,
    include_str!("data.js"),
    include_str!("scale.js"),
    include_str!("graph.js"),
    include_str!("panel.js"),
    include_str!("chart.js"),
    include_str!("page.js"),
];

/// Width by height of the folded drawing: that of the place it has on a wide screen.
const ASPECT: f64 = 2.0;

/// Both drawings, of which the page shows one.
#[derive(Serialize)]
struct Layouts {
    node_width: f64,
    node_height: f64,
    column: Layout,
    folded: Layout,
}

impl Snapshot {
    /// The graph with everything known of its nodes as one HTML file that needs no other file and no network.
    ///
    /// # Errors
    /// So many nodes, or so many long edges, that nobody could read the drawing.
    pub fn to_html(&self) -> Result<String> {
        let layouts = Layouts {
            node_width: NODE_WIDTH,
            node_height: NODE_HEIGHT,
            column: Layout::column(self)?,
            folded: Layout::folded(self, ASPECT)?,
        };
        let layouts = serde_json::to_string(&layouts).expect("plain data have JSON");
        Ok(fill(PAGE, &|name| match name {
            "title" => escape(&self.title),
            "style" => STYLE.to_string(),
            "tape" => json_in_script(&self.to_json()),
            "layouts" => json_in_script(&layouts),
            "script" => SCRIPTS.join("\n"),
            other => panic!("page.html has no part called {other}"),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keep, Tape, Tensor};

    fn page(title: &str) -> (Snapshot, String) {
        let tape = Tape::<f64>::new();
        let _scope = tape.scope("</script><b>{{tape}}");
        let w = tape.parameter("weight", &Tensor::vector(vec![1.0, f64::NAN])).unwrap();
        let loss = w.exp().sum_all();
        let gradients = tape.backward(loss, Keep::All).unwrap();
        let snapshot = Snapshot::of(&tape, Some(&gradients)).unwrap().titled(title).with_loss(loss).unwrap();
        let html = snapshot.to_html().unwrap();
        (snapshot, html)
    }

    #[test]
    fn the_page_carries_the_json() {
        let (snapshot, html) = page("a <b> & c");
        let start = html.find("id=\"tape\">").unwrap() + "id=\"tape\">".len();
        let json = &html[start..start + html[start..].find("</script>").unwrap()];
        // NaN differs from itself, so the texts are compared.
        assert_eq!(Snapshot::from_json(json).unwrap().to_json(), snapshot.to_json());
        assert!(html.contains("<title>a &lt;b&gt; &amp; c</title>"));
        assert_eq!(html.matches("</script>").count(), 3, "three scripts end, and no data end one");
    }

    #[test]
    fn the_page_asks_for_nothing() {
        let (_, html) = page("t");
        let rest = html.replace("http://www.w3.org/2000/svg", "");
        for reference in ["http:", "https:", "//cdn", "@import", "url(", " src=", "fetch(", "XMLHttpRequest"]
        {
            assert!(!rest.contains(reference), "{reference}");
        }
        assert_eq!(rest.matches("href=\"").count(), 2, "the empty icon and the link that skips the graph");
    }

    #[test]
    fn an_empty_tape_has_a_page() {
        assert!(Snapshot::of(&Tape::<f32>::new(), None).unwrap().to_html().unwrap().contains("anact-tape/1"));
    }
}
