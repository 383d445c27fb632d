use proptest::prelude::*;

use super::route::Piece;
use super::*;
use crate::{Tape, Tensor};

/// A graph in which node i adds up the earlier nodes that `picks` name, in scopes `a.0`, `a.1`, `b.0` …
fn graph(picks: &[Vec<prop::sample::Index>]) -> Snapshot {
    let tape = Tape::<f64>::new();
    let mut vars = vec![tape.variable(Tensor::scalar(1.0))];
    for (i, picks) in picks.iter().enumerate() {
        let _outer = tape.scope(&format!("part{}", i / 12));
        let _inner = tape.scope(&format!("{}", i / 4 % 3));
        let mut sum = *picks[0].get(&vars);
        if picks.len() == 1 {
            let bias = tape.parameter(&format!("w{i}"), &Tensor::scalar(1.0)).unwrap();
            sum = sum + bias;
        }
        for pick in &picks[1..] {
            sum = sum + *pick.get(&vars);
        }
        vars.push(sum);
    }
    Snapshot::of(&tape, None).unwrap()
}

/// Points along a route, dense enough to hit any node that it crosses.
fn points(route: &[Piece]) -> Vec<[f64; 2]> {
    let mut at = [0.0; 2];
    let mut points = Vec::new();
    for &piece in route {
        let (Piece::Start(end) | Piece::Line(end) | Piece::Curve(end)) = piece;
        if !matches!(piece, Piece::Start(_)) {
            for step in 1..32 {
                let t = f64::from(step) / 32.0;
                // The cubic with control points at half height: 3t² − 2t³ across.
                let across = if matches!(piece, Piece::Curve(_)) { t * t * (3.0 - 2.0 * t) } else { t };
                points.push([at[0] + (end[0] - at[0]) * across, at[1] + (end[1] - at[1]) * t]);
            }
        }
        at = end;
    }
    points
}

fn check(snapshot: &Snapshot, layout: &Layout) {
    assert_eq!(layout.nodes.len(), snapshot.nodes.len());
    let large: Vec<&Position> = layout.nodes.iter().filter(|n| n.satellite_of.is_none()).collect();
    for (i, a) in large.iter().enumerate() {
        assert!(a.x >= NODE_WIDTH / 2.0 && a.x <= layout.width - NODE_WIDTH / 2.0, "{a:?}");
        assert!(a.y >= NODE_HEIGHT / 2.0 && a.y <= layout.height - NODE_HEIGHT / 2.0, "{a:?}");
        for b in &large[i + 1..] {
            let apart = (a.x - b.x).abs() >= NODE_WIDTH || (a.y - b.y).abs() >= NODE_HEIGHT;
            assert!(apart, "{a:?} lies on {b:?}");
        }
    }
    for edge in &layout.edges {
        let ends = [edge.route.first().unwrap(), edge.route.last().unwrap()];
        let (&Piece::Start(start), &(Piece::Line(end) | Piece::Curve(end))) = (ends[0], ends[1]) else {
            panic!("a route starts, and does not end with a start: {ends:?}")
        };
        let (from, to) = (layout.nodes[edge.from], layout.nodes[edge.to]);
        assert_eq!(start, [from.x, from.y + NODE_HEIGHT / 2.0]);
        assert!((end[0] - to.x).abs() < NODE_WIDTH / 2.0 && end[1] == to.y - NODE_HEIGHT / 2.0);
        for [x, y] in points(&edge.route) {
            assert!((0.0..layout.width).contains(&x) && (0.0..layout.height).contains(&y), "({x}, {y})");
            let on = large
                .iter()
                .find(|n| (n.x - x).abs() < NODE_WIDTH / 2.0 && (n.y - y).abs() < NODE_HEIGHT / 2.0);
            assert!(on.is_none(), "the edge {} → {} runs through {on:?}", edge.from, edge.to);
        }
    }
    let drawn: usize = snapshot.nodes.iter().flat_map(|n| &n.inputs).count();
    let small = layout.nodes.iter().filter(|n| n.satellite_of.is_some()).count();
    assert_eq!(layout.edges.len() + small, drawn);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Nodes keep apart, and every line runs from its node to its consumer and through no other node.
    #[test]
    fn no_line_runs_through_a_node(
        picks in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 1..4), 1..40),
    ) {
        let snapshot = graph(&picks);
        check(&snapshot, &Layout::column(&snapshot).unwrap());
        check(&snapshot, &Layout::folded(&snapshot, 1.5).unwrap());
    }
}

/// Two residual blocks: the trunk of each runs beside the branch, and the branch is one straight line.
#[test]
fn a_residual_block_is_a_straight_branch_with_a_line_around_it() {
    let tape = Tape::<f64>::new();
    let mut x = tape.variable(Tensor::scalar(1.0));
    for block in ["layer1", "layer2"] {
        let _scope = tape.scope(block);
        x = x.exp().sqrt().exp() + x;
    }
    let snapshot = Snapshot::of(&tape, None).unwrap();
    let layout = Layout::column(&snapshot).unwrap();
    check(&snapshot, &layout);
    assert!(layout.nodes.iter().all(|n| (n.x - layout.nodes[0].x).abs() < 3.0), "{:?}", layout.nodes);
    let around: Vec<_> = layout.edges.iter().filter(|e| e.skips).map(|e| (e.from, e.to)).collect();
    assert_eq!(around, [(0, 4), (4, 8)]);
    let bands: Vec<_> = layout.bands.iter().map(|b| (b.scope.as_str(), b.depth)).collect();
    assert_eq!(bands, [("layer1", 1), ("layer2", 1)]);
    assert!(layout.bands[0].y + layout.bands[0].height < layout.bands[1].y);
}

#[test]
fn long_drawings_are_folded_where_scopes_begin() {
    let tape = Tape::<f64>::new();
    let mut x = tape.variable(Tensor::scalar(1.0));
    for block in 0..8 {
        let _scope = tape.scope(&format!("layer{block}"));
        for _ in 0..9 {
            x = x.exp();
        }
    }
    let snapshot = Snapshot::of(&tape, None).unwrap();
    let (column, folded) = (Layout::column(&snapshot).unwrap(), Layout::folded(&snapshot, 1.5).unwrap());
    check(&snapshot, &folded);
    let ratio = |l: &Layout| l.width / l.height;
    assert!(ratio(&column) < 0.1 && (0.7..2.5).contains(&ratio(&folded)), "{}", ratio(&folded));
    // No layer is torn: its nodes stand below each other.
    for block in folded.bands {
        assert!(block.height > 9.0 * NODE_HEIGHT, "{block:?}");
    }
}

#[test]
fn nothing_and_almost_nothing_can_be_drawn() {
    let tape = Tape::<f64>::new();
    assert_eq!(Layout::folded(&Snapshot::of(&tape, None).unwrap(), 1.5).unwrap().nodes, []);
    let x = tape.constant(Tensor::scalar(1.0));
    tape.constant(Tensor::scalar(1.0));
    // Both operands are one leaf, which has two uses.
    let _ = x + x;
    let snapshot = Snapshot::of(&tape, None).unwrap();
    check(&snapshot, &Layout::folded(&snapshot, 1.5).unwrap());
}

/// One node that every later node uses would take a trunk place in each of their rows.
#[test]
fn what_nobody_could_read_is_refused() {
    let tape = Tape::<f64>::new();
    let ends: Vec<_> = (0..40).map(|_| tape.variable(Tensor::scalar(1.0))).collect();
    let mut y = ends[0];
    for _ in 0..2000 {
        y = y.exp();
    }
    for end in ends.iter().chain(&ends) {
        y = y + *end;
    }
    let snapshot = Snapshot::of(&tape, None).unwrap();
    assert!(Layout::column(&snapshot).is_ok());
    let mut y = ends[0];
    for end in ends.iter().chain(&ends) {
        for _ in 0..60 {
            y = y.exp();
        }
        y = y + *end;
    }
    let text = Layout::column(&Snapshot::of(&tape, None).unwrap()).unwrap_err().to_string();
    assert!(text.contains("JSON"), "{text}");
}
