//! Pictures of whole terminals.

mod anything;

use std::time::Duration;

use anact::theory::{BackwardMoments, LayerRow, Quantities};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

use super::draw::draw;
use super::keys::Action;
use super::palette::Palette;
use super::state::State;
use crate::run::{EpochMetrics, LayersAtStep, Metrics, RunBegins, Settings, StepTaken, TheoryComparison};

/// A layer with nothing but what is measured.
pub(super) fn row_of(name: &str, measured: Quantities) -> LayerRow {
    LayerRow {
        layer: name.into(),
        activation: None,
        predicted: Quantities::default(),
        with_measured_ratios: Quantities::default(),
        per_sample: BackwardMoments::default(),
        per_unit: BackwardMoments::default(),
        two_state: BackwardMoments::default(),
        slope: None,
        log_q_spread: None,
        measured,
    }
}

const STEPS_PER_EPOCH: u64 = 40;
const EPOCHS: u64 = 5;

/// A state after `steps` steps of 2 s, of which every 10th was looked at if `is_inspected`. Its curves fall and rise as those of
/// a run do, with numbers that need no more than the four operations.
fn after(steps: u64, is_inspected: bool) -> (State, Duration) {
    let settings = Settings {
        dataset: "cifar10".into(),
        epochs: EPOCHS,
        inspect_every: is_inspected.then_some(10),
        ..Settings::default()
    };
    let mut state = State::default();
    let run = RunBegins {
        label: "resnet8 nswish",
        settings: &settings,
        classes: &[],
        steps_per_epoch: STEPS_PER_EPOCH,
        taken: 0,
        epochs: &[],
    };
    state.begin(&run, Duration::ZERO);
    let mut sums = (0.0, 0.0);
    for step in 1..=steps {
        let now = Duration::from_secs(2 * step);
        let number = (step - 1) % STEPS_PER_EPOCH + 1;
        if number == 1 {
            sums = (0.0, 0.0);
        }
        let epochs = step as f64 / STEPS_PER_EPOCH as f64;
        let noise = ((step * 7919) % 13) as f64 / 13.0 - 0.5;
        let (loss, accuracy) =
            (0.4 + 1.9 / (1.0 + epochs) + 0.3 * noise, 0.9 - 0.8 / (1.0 + epochs) - 0.1 * noise);
        sums = (sums.0 + loss, sums.1 + accuracy);
        let so_far = Metrics { loss: sums.0 / number as f64, accuracy: sums.1 / number as f64 };
        let layers = (is_inspected && (step - 1) % 10 == 0).then(|| layers(step - 1));
        let taken = StepTaken {
            steps: step,
            epoch: (step - 1) / STEPS_PER_EPOCH + 1,
            loss: loss as f32,
            rate: 0.1,
            so_far,
            images_per_s: 64.0,
            layers: layers.as_ref(),
            histograms: &[],
        };
        state.step(&taken, now);
        if number == STEPS_PER_EPOCH {
            let validation = Metrics { loss: so_far.loss + 0.1, accuracy: so_far.accuracy - 0.05 };
            let metrics = EpochMetrics {
                epoch: step / STEPS_PER_EPOCH,
                train: so_far,
                validation: Some(validation),
                lr: 0.1,
                seconds: 80.0,
                waited: 0.0,
                images_per_s: 64.0,
            };
            state.epoch(&metrics, now);
            state.say(now, &format!("checkpoint after step {step}"));
        }
    }
    (state, Duration::from_secs(2 * steps))
}

/// The layers of resnet8 with gradients that grow by a third from layer to layer towards the input.
fn layers(step: u64) -> LayersAtStep {
    let blocks = ["layer1.0", "layer2.0", "layer3.0"];
    let inner = blocks.iter().flat_map(|block| ["conv1", "conv2"].map(|conv| format!("{block}.{conv}")));
    let names: Vec<String> = std::iter::once("conv1".to_string()).chain(inner).chain(["fc".into()]).collect();
    let count = names.len();
    let mut delta = 4e-6;
    let mut rows = Vec::new();
    for (i, name) in names.iter().enumerate().rev() {
        let kappa = (i + 1 < count).then_some(1.3 + 0.05 * i as f64 + 0.002 * step as f64);
        let weight_gradient = Some(3.0 * delta);
        rows.push(row_of(
            name,
            Quantities { delta: Some(delta), weight_gradient, kappa, ..Quantities::default() },
        ));
        delta *= 4.0 / 3.0;
    }
    rows.reverse();
    LayersAtStep { step, comparison: TheoryComparison { rows } }
}

/// The text of a terminal of that size, through the whole of ratatui but for the real terminal.
fn picture(state: &State, now: Duration, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| {
            let area = frame.area();
            draw(state, now, &Palette::plain(), area, frame.buffer_mut());
        })
        .unwrap();
    text(terminal.backend().buffer())
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width).max(1);
    let rows = buffer.content().chunks(width);
    rows.map(|row| format!("{}\n", row.iter().map(Cell::symbol).collect::<String>().trim_end())).collect()
}

/// Compares with a picture that was looked at. When one is to change, the message has the new one.
fn is_captured(name: &str, captured: &str, drawn: &str) {
    assert!(captured == drawn, "{name} is not as it was captured; it is now\n{drawn}");
}

#[test]
fn a_run_on_a_large_terminal() {
    let (state, now) = after(110, true);
    is_captured("100x30.txt", include_str!("../captures/100x30.txt"), &picture(&state, now, (100, 30)));
}

#[test]
fn a_run_on_a_middling_terminal() {
    let (state, now) = after(110, true);
    is_captured("60x20.txt", include_str!("../captures/60x20.txt"), &picture(&state, now, (60, 20)));
}

#[test]
fn a_run_on_a_small_terminal() {
    let (state, now) = after(110, true);
    is_captured("40x10.txt", include_str!("../captures/40x10.txt"), &picture(&state, now, (40, 10)));
}

#[test]
fn a_run_on_hardly_any_terminal() {
    let (state, now) = after(110, true);
    is_captured("20x5.txt", include_str!("../captures/20x5.txt"), &picture(&state, now, (20, 5)));
}

#[test]
fn a_pause_with_the_help_and_no_layers() {
    let (mut state, now) = after(30, false);
    [Action::Pause, Action::OtherMarks].into_iter().for_each(|action| state.act(action, now));
    state.wait(true, now);
    let without_help = picture(&state, now, (80, 24));
    state.act(Action::Help, now);
    let pictures = format!("{without_help}\n{}", picture(&state, now, (80, 24)));
    is_captured("80x24-paused.txt", include_str!("../captures/80x24-paused.txt"), &pictures);
}

#[test]
fn a_run_before_its_first_step() {
    let (state, now) = after(0, true);
    is_captured("start.txt", include_str!("../captures/start.txt"), &picture(&state, now, (70, 16)));
}

/// Colours change no character, so that nothing is told by them alone.
#[test]
fn colours_change_no_character() {
    let (state, now) = after(110, true);
    let drawn = [Palette::plain(), Palette::coloured()].map(|palette| {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 100, 30));
        draw(&state, now, &palette, buffer.area, &mut buffer);
        buffer
    });
    assert_eq!(text(&drawn[0]), text(&drawn[1]));
    let is_colourless =
        |buffer: &Buffer| buffer.content().iter().all(|cell| cell.fg == ratatui::style::Color::Reset);
    assert!(is_colourless(&drawn[0]) && !is_colourless(&drawn[1]));
}
