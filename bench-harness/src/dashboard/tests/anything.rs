//! Any state on any terminal.

use std::time::Duration;

use anact::theory::Quantities;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::row_of;
use crate::dashboard::draw::draw;
use crate::dashboard::keys::{Action, BINDINGS};
use crate::dashboard::palette::Palette;
use crate::dashboard::state::State;
use crate::run::{EpochMetrics, LayersAtStep, Metrics, RunBegins, Settings, StepTaken, TheoryComparison};

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        prop::num::f64::ANY,
        0.0..1.0,
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(0.0),
        Just(f64::MAX),
        Just(5e-324),
    ]
}

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![0..10u64, 0..100_000u64, any::<u64>()]
}

/// Names as networks have them, and any text at all.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z0-9.]{1,30}", any::<String>()]
}

/// Steps as loss, rate and the like; layers as name, gradients and factor.
type AnyStep = (u64, [f64; 4]);
type AnyLayer = (String, [Option<f64>; 3]);

#[derive(Debug)]
struct Anything {
    label: String,
    counts: [u64; 3],
    steps: Vec<AnyStep>,
    layers: Vec<Vec<AnyLayer>>,
    epochs: Vec<(u64, [f64; 4], bool)>,
    messages: Vec<String>,
    actions: Vec<usize>,
    now: u64,
}

fn anything() -> impl Strategy<Value = Anything> {
    let step = (count(), prop::array::uniform4(number()));
    let layer = (words(), prop::array::uniform3(prop::option::of(number())));
    let epoch = (count(), prop::array::uniform4(number()), any::<bool>());
    let parts = (
        (words(), prop::array::uniform3(count())),
        prop::collection::vec(step, 0..30),
        prop::collection::vec(prop::collection::vec(layer, 0..40), 0..4),
        prop::collection::vec(epoch, 0..5),
        prop::collection::vec(words(), 0..8),
        prop::collection::vec(0..BINDINGS.len(), 0..12),
        count(),
    );
    parts.prop_map(|((label, counts), steps, layers, epochs, messages, actions, now)| Anything {
        label,
        counts,
        steps,
        layers,
        epochs,
        messages,
        actions,
        now,
    })
}

fn state_of(anything: &Anything) -> State {
    let [epochs, steps_per_epoch, taken] = anything.counts;
    let settings = Settings { epochs, ..Settings::default() };
    let mut state = State::default();
    let label = anything.label.as_str();
    let run = RunBegins { label, settings: &settings, classes: &[], steps_per_epoch, taken, epochs: &[] };
    state.begin(&run, Duration::ZERO);
    let mut layers = anything.layers.iter().map(|rows| {
        let row = |(name, [delta, weight_gradient, kappa]): &AnyLayer| {
            let (delta, weight_gradient, kappa) = (*delta, *weight_gradient, *kappa);
            row_of(name, Quantities { delta, weight_gradient, kappa, ..Quantities::default() })
        };
        LayersAtStep { step: taken, comparison: TheoryComparison { rows: rows.iter().map(row).collect() } }
    });
    for (i, (steps, [loss, rate, accuracy, images_per_s])) in (1..).zip(&anything.steps) {
        let layers = layers.next();
        let step = StepTaken {
            steps: *steps,
            epoch: 1,
            loss: *loss as f32,
            rate: *rate,
            so_far: Metrics { loss: *loss, accuracy: *accuracy },
            images_per_s: *images_per_s,
            layers: layers.as_ref(),
            histograms: &[],
        };
        state.step(&step, Duration::from_secs(i));
    }
    for (epoch, [a, b, c, d], is_validated) in &anything.epochs {
        let validation = is_validated.then_some(Metrics { loss: *c, accuracy: *d });
        let train = Metrics { loss: *a, accuracy: *b };
        let times = EpochMetrics {
            epoch: *epoch,
            train,
            validation,
            lr: *a,
            seconds: *b,
            waited: 0.0,
            images_per_s: *c,
        };
        state.epoch(&times, Duration::ZERO);
    }
    anything.messages.iter().for_each(|text| state.say(Duration::ZERO, text));
    anything.actions.iter().for_each(|&i| state.act(BINDINGS[i].action, Duration::ZERO));
    state
}

proptest! {
    /// Any state on any terminal: there is no panic, and nothing is drawn outside of it, which ratatui would panic at.
    #[test]
    fn anything_can_be_drawn_anywhere(anything in anything(), width in 0..200u16, height in 0..60u16) {
        let mut state = state_of(&anything);
        let now = Duration::from_secs(anything.now);
        for palette in [Palette::plain(), Palette::coloured()] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            draw(&state, now, &palette, buffer.area, &mut buffer);
            state.act(Action::NextPanel, now);
        }
    }
}
