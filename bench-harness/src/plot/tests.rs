//! Properties every chart must have, checked on ordinary and on hostile data.

use super::{Chart, Series, stacked};

/// Reads the document as XML far enough to see that tags nest, attributes are quoted and entities are known.
/// Returns the names of the elements in order.
fn elements(xml: &str) -> Vec<String> {
    let (mut open, mut seen, mut rest) = (Vec::new(), Vec::new(), xml);
    while let Some(start) = rest.find('<') {
        for entity in rest[..start].split('&').skip(1) {
            let known = ["amp;", "lt;", "gt;", "quot;", "#39;"].iter().any(|known| entity.starts_with(known));
            assert!(known, "unknown entity &{entity}");
        }
        let end = start + rest[start..].find('>').expect("a tag is closed by >");
        let tag = &rest[start + 1..end];
        assert!(!tag.contains('<'), "unescaped < near {tag}");
        assert_eq!(tag.matches('"').count() % 2, 0, "unbalanced quotes in {tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
        } else {
            let name = tag.trim_end_matches('/').split(' ').next().unwrap().to_owned();
            seen.push(name.clone());
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    seen
}

/// Draws the chart and checks what holds for all of them.
fn draw(chart: &Chart) -> String {
    let svg = chart.to_svg();
    let elements = elements(&svg);
    assert_eq!(elements[..3], ["svg", "title", "desc"]);
    for word in ["NaN", "inf", "-0 ", "\"-0\""] {
        assert!(!svg.contains(word), "{word} in {svg}");
    }
    assert_eq!(svg, chart.to_svg(), "drawn twice, different");
    svg
}

fn count(svg: &str, part: &str) -> usize {
    svg.matches(part).count()
}

#[test]
fn an_ordinary_chart() {
    let points = (0..10).map(|i| (f64::from(i), f64::from(i * i)));
    let chart = Chart::new("Loss")
        .x_label("epoch")
        .y_label("loss / nat")
        .series(Series::line("mean", points.clone()).plus_minus([1.0; 10]))
        .series(Series::points("seeds", points))
        .reference("chance", 2.3);
    let svg = draw(&chart);
    assert_eq!(count(&svg, "class=\"band\""), 2, "one band and its sample");
    assert_eq!(count(&svg, "class=\"line\""), 2, "one line and its sample");
    assert_eq!(count(&svg, "class=\"reference\""), 2);
    assert_eq!(count(&svg, "class=\"mark\""), 22, "ten marks and a sample, twice");
    assert!(svg.contains("<title>Loss</title>"));
    assert!(svg.contains("<desc>Chart of loss / nat, against epoch. Shown: mean; seeds; chance.</desc>"));
    assert!(svg.contains("<title>mean: 3, 9.000 (8.000 to 10.00)</title>"));
    assert!(svg.contains("prefers-color-scheme:dark"));
}

#[test]
fn hostile_data() {
    let nan = f64::NAN;
    let values = [
        vec![],
        vec![(0.0, 1.0)],
        vec![(nan, nan)],
        vec![(0.0, nan), (1.0, f64::INFINITY), (f64::NEG_INFINITY, 1.0)],
        vec![(0.0, 5.0), (1.0, 5.0)],
        vec![(3.0, 0.0), (3.0, 0.0)],
        vec![(0.0, -1.0), (1.0, 0.0), (2.0, 1e-320)],
        vec![(-1e308, f64::MAX), (1e308, f64::MIN)],
        vec![(0.0, 1e300), (1.0, -1e300), (1e-300, 1e-300)],
        vec![(1e15, 1.0), (1e15 + 1.0, 1.0 + f64::EPSILON)],
    ];
    for points in values {
        let ys: Vec<f64> = points.iter().map(|&(_, y)| y).collect();
        let number = Chart::new("t")
            .series(Series::line("a", points.clone()).band(ys.clone(), [nan, 1.0]))
            .series(Series::points("b", points.clone()).plus_minus(ys.clone()))
            .reference("r", ys.first().copied().unwrap_or(nan));
        let category = Chart::by_category("t", ["x", "y"])
            .series(Series::line_by_category("a", ys.clone()).plus_minus(ys.clone()))
            .series(Series::points("p", points))
            .series(Series::bars("b", ys));
        for chart in [number, category] {
            for chart in [chart.clone().y_range(-1.0, 1.0), chart.clone().y_range(nan, 0.0), chart] {
                for chart in [chart.clone().log_y(), chart.clone().log_x(), chart] {
                    draw(&chart);
                }
            }
        }
    }
    draw(&Chart::by_category("no categories", Vec::<String>::new()).series(Series::bars("b", [1.0])));
    draw(&Chart::new("").width(nan).plot_height(f64::INFINITY));
    draw(&Chart::new("").width(1.0).plot_height(-5.0).y_label("y"));
}

#[test]
fn a_gap_splits_the_line_and_its_band() {
    let points =
        [(0.0, 1.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 1.0), (4.0, 2.0), (5.0, f64::NAN), (6.0, 1.0)];
    let svg = draw(&Chart::new("t").series(Series::line("", points).plus_minus([0.1; 7])));
    let line = svg.lines().find(|line| line.contains("class=\"line\"")).unwrap();
    assert_eq!(count(line, "M"), 2);
    assert_eq!(count(&svg, "class=\"band\""), 2);
    assert_eq!(count(&svg, "class=\"whisker\""), 1, "the lone last point");
}

#[test]
fn a_lone_point_of_a_long_line_is_marked() {
    let points = (0..200).map(|i| (f64::from(i), if i == 120 || i % 100 > 50 { 1.0 } else { f64::NAN }));
    let svg = draw(&Chart::new("t").series(Series::line("", points)));
    // Of 200 points every 17th is marked: 51, 68, 85, 153, 170, 187, and 120 because it stands alone.
    assert_eq!(count(&svg, "class=\"mark\""), 7);
    assert_eq!(count(&svg, "class=\"hover\""), 92);
}

#[test]
fn a_log_axis_leaves_out_what_is_not_positive() {
    let points = [(0.0, 1.0), (1.0, 0.0), (2.0, -3.0), (3.0, 100.0)];
    let svg = draw(&Chart::new("t").log_y().series(Series::line("", points)));
    assert_eq!(count(&svg, "class=\"mark\""), 2);
    assert!(svg.contains("10<tspan"));
}

#[test]
fn names_are_escaped() {
    let name = "</svg><script>&\"'\u{0}";
    let chart =
        Chart::by_category(name, [name]).x_label(name).y_label(name).description(name).reference(name, 1.0);
    let svg = draw(&chart.series(Series::bars(name, [1.0])));
    assert!(!svg.contains("<script>"));
    assert!(svg.contains("&lt;script&gt;&amp;&quot;&#39;\u{fffd}"));
}

#[test]
fn bars_start_at_zero_and_stand_side_by_side() {
    let chart = Chart::by_category("t", ["a", "b"])
        .series(Series::bars("one", [5.0, -5.0]))
        .series(Series::bars("two", [6.0, 6.0]).plus_minus([1.0, 1.0]));
    let svg = draw(&chart);
    assert_eq!(count(&svg, "<rect class=\"mark\""), 4 + 2);
    assert_eq!(count(&svg, "class=\"whisker over\""), 2);
    // A logarithmic axis has no zero: points instead.
    assert_eq!(count(&draw(&chart.log_y()), "<rect class=\"mark\""), 0);
}

#[test]
fn a_fixed_range_hides_marks_outside() {
    let points = [(0.0, 1.0), (1.0, 50.0), (2.0, 3.0)];
    let svg = draw(&Chart::new("t").y_range(0.0, 10.0).series(Series::line("", points)));
    assert_eq!(count(&svg, "class=\"mark\""), 2);
    assert_eq!(count(&svg, "class=\"line\""), 1);
}

#[test]
fn the_size_does_not_grow_with_the_number_of_steps() {
    let points = (0..100_000).map(|i| (f64::from(i), f64::from(i % 17)));
    let svg = draw(&Chart::new("t").series(Series::line("loss", points)));
    assert!(svg.len() < 100_000, "{}", svg.len());
}

#[test]
fn crowded_names_are_thinned_in_a_fixed_width() {
    let names: Vec<String> = (0..200).map(|i| format!("layer{i}")).collect();
    let chart = Chart::by_category("t", names).series(Series::line_by_category("", vec![1.0; 200]));
    let all = draw(&chart);
    let some = draw(&chart.width(760.0));
    assert_eq!(count(&all, "rotate(-90)"), 200);
    assert!((30..60).contains(&count(&some, "rotate(-90)")), "{}", count(&some, "rotate(-90)"));
}

#[test]
fn charts_stand_one_below_the_other() {
    let chart = |name: &str| Chart::new(name).series(Series::line("", [(0.0, 1.0), (1.0, 2.0)]));
    let (upper, lower) = (chart("up & over").plot_height(100.0), chart("down").width(900.0));
    let size = |svg: &str, name: &str| -> f64 {
        let (_, rest) = svg.split_once(&format!("{name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.parse().unwrap()
    };
    let svg = stacked(&[upper.clone(), lower.clone()]);
    assert_eq!(elements(&svg)[..3], ["svg", "title", "desc"]);
    let (upper, lower) = (upper.to_svg(), lower.to_svg());
    assert_eq!((size(&svg, " width"), size(&upper, " width")), (900.0, 760.0));
    assert_eq!(size(&svg, " height"), size(&upper, " height") + size(&lower, " height"));
    assert!(svg.contains(&upper) && svg.contains(&lower), "each is drawn as it is alone");
    assert!(svg.contains(&format!("transform=\"translate(0 {})\"", size(&upper, " height"))));
    assert!(svg.contains("<title>up &amp; over; down</title>"));
    assert_eq!(elements(&stacked(&[])), ["svg", "title", "desc"]);
}

/// Left end and baseline of every name beside a point, as drawn.
fn names_at(svg: &str) -> Vec<(f64, f64, String, String)> {
    let attribute = |line: &str, name: &str| {
        line.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next()).map(str::to_string)
    };
    let named = svg.lines().filter(|line| line.contains("<text ") && line.contains(">name"));
    let number = |line: &str, name: &str| attribute(line, name).unwrap().parse::<f64>().unwrap();
    named
        .map(|line| {
            let text = line.split('>').nth(1).unwrap().split('<').next().unwrap().to_string();
            (number(line, "x"), number(line, "y"), attribute(line, "text-anchor").unwrap(), text)
        })
        .collect()
}

#[test]
fn names_of_crowded_points_keep_apart_and_inside() {
    let points: Vec<(f64, f64)> = (0..24)
        .map(|i| {
            (
                f64::from(i % 6) * 0.1 + if i > 20 { 5.0 } else { 0.0 },
                f64::from(i % 5) * 0.1 + f64::from(i / 12),
            )
        })
        .collect();
    let names = (0..24).map(|i| format!("name{i}"));
    let svg = draw(&Chart::new("t").series(Series::points("", points).labels(names)));
    let at = names_at(&svg);
    assert_eq!(at.len(), 24);
    let boxes: Vec<[f64; 4]> = at
        .iter()
        .map(|(x, y, anchor, text)| {
            let width = super::style::text_width(text, 11.0);
            let left = match anchor.as_str() {
                "start" => *x,
                "end" => x - width,
                _ => x - width / 2.0,
            };
            [left, y - 9.0, left + width, *y]
        })
        .collect();
    for (i, a) in boxes.iter().enumerate() {
        assert!(a[0] > 0.0 && a[2] < 760.0, "{:?}", at[i]);
        for (j, b) in boxes[..i].iter().enumerate() {
            let apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
            assert!(apart, "{:?} on {:?}", at[i], at[j]);
        }
    }
}

#[test]
fn points_without_a_place_have_no_name() {
    let points = [(1.0, 1.0), (2.0, f64::NAN), (0.0, 3.0), (4.0, 4.0)];
    let series = Series::points("", points).labels(["name0", "name1", "name2", ""]);
    let svg = draw(&Chart::new("t").log_x().series(series));
    assert_eq!(names_at(&svg).len(), 1);
    assert!(svg.contains("<title>name0: 1, 1.000</title>"));
}
