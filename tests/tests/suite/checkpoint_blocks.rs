//! Blocks that keep their input only train by the same bits, and a step holds less at its peak.

use anact::{GradientMode, NormalizedSettings, StatisticsSource, activation};
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Pass, Result, Shape, Tape, Tensor, Var};
use layers::models::{ModelEntry, ModelSettings, Variant};
use layers::optim::{Decayed, Optimizer, SgdSettings, WeightDecay};
use layers::{Context, Conv2d, Dropout, Execution, GlobalAvgPool, Init, Initializer, Layer, Linear};
use layers::{Sequential, Walk, weights};

const IMAGES: [usize; 4] = [9, 3, 14, 10];
const CLASSES: usize = 7;
const SEED: u64 = 11;

/// x + dropout(act(conv(x))), with what a step must not do twice: a mask to draw, running statistics to move.
#[derive(Debug)]
struct Block {
    conv: Conv2d<f32>,
    act: Box<dyn Layer<f32>>,
    dropout: Dropout,
}

impl Layer<f32> for Block {
    fn forward<'t>(&mut self, cx: &Context<'t, f32>, x: Var<'t, f32>) -> Result<Var<'t, f32>> {
        cx.block(|| {
            let mut y = cx.call("conv", &mut self.conv, x)?;
            y = cx.call("act", self.act.as_mut(), y)?;
            y = cx.call("dropout", &mut self.dropout, y)?;
            y.try_add(x)
        })
    }

    fn visit(&mut self, walk: &mut Walk<'_, f32>) {
        walk.child("conv", &mut self.conv);
        walk.child("act", self.act.as_mut());
    }
}

fn with_dropout() -> Box<dyn Layer<f32>> {
    let mut init = Initializer::new(Init::HeNormal, SEED);
    let make = activation::<f32>("ntanh", &NormalizedSettings::default()).unwrap();
    let mut net = Sequential::new();
    for _ in 0..3 {
        let conv = Conv2d::same(3, 3, 3, 1, &mut init).unwrap();
        net = net.then(Block { conv, act: make(3), dropout: Dropout::new(0.3).unwrap() });
    }
    Box::new(net.then(GlobalAvgPool).then(Linear::new(3, CLASSES, &mut init)))
}

fn resnet(model: &str, function: &str, settings: &NormalizedSettings) -> Box<dyn Layer<f32>> {
    let make = activation::<f32>(function, settings).unwrap();
    let [_, channels, height, width] = IMAGES;
    let input = [channels, height, width];
    let init = Init::HeNormal;
    let settings = ModelSettings {
        input,
        classes: CLASSES,
        width: Some(5),
        depth: None,
        variant: Variant::default(),
        init,
        seed: SEED,
    };
    ModelEntry::named(model).unwrap().build(&settings, &*make).unwrap()
}

/// What three steps leave behind; every number by its bits.
#[derive(Debug, PartialEq)]
struct Outcome {
    losses: Vec<u32>,
    gradients: Vec<Vec<u32>>,
    /// Every parameter and buffer.
    weights: Vec<u8>,
}

/// Trains, and answers the bytes at the peak of the last step, too.
fn train(model: &mut dyn Layer<f32>, checkpoint_blocks: bool) -> (Outcome, usize) {
    let execution = Execution { checkpoint_blocks, ..Execution::default() };
    let mut sgd = Optimizer::new(SgdSettings {
        momentum: 0.9,
        nesterov: true,
        weight_decay: 1e-4,
        kind: WeightDecay::Coupled,
        decayed: Decayed::Weights,
    })
    .unwrap();
    let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let (mut losses, mut all, mut peak) = (Vec::new(), Vec::new(), 0);
    for step in 0..3 {
        let mut stream = Stream::new(SEED, Purpose::Probe, step);
        let shape = Shape::from(IMAGES);
        let images = Tensor::filled(shape, (0..shape.len()).map(|_| stream.normal() as f32).collect());
        let labels: Vec<usize> = (0..IMAGES[0]).map(|_| stream.below(CLASSES as u64) as usize).collect();

        let tape = Tape::new();
        let cx = Context::train(&tape, SEED, step).executing(execution);
        let loss = model.forward(&cx, tape.constant(images)).unwrap();
        let loss = loss.cross_entropy(&labels, 0.1).unwrap();
        losses.push(loss.value().item().unwrap().to_bits());
        let pass = Pass::new(Keep::Leaves).releasing().measuring_memory();
        let gradients = tape.run(pass, loss).unwrap();
        for (name, _) in tape.parameters() {
            all.push(bits(gradients.named(&name).unwrap().data()));
        }
        peak = gradients.memory().unwrap().peak();
        drop(tape);
        sgd.step(model, &gradients, 0.05).unwrap();
    }
    (Outcome { losses, gradients: all, weights: weights::to_safetensors(model) }, peak)
}

type Build<'a> = &'a (dyn Fn() -> Box<dyn Layer<f32>> + Sync);

#[test]
fn training_gives_the_same_bits_and_holds_less() {
    let running = NormalizedSettings::default();
    let batch = NormalizedSettings { statistics: StatisticsSource::Batch, ..running };
    let full = NormalizedSettings { gradient: GradientMode::Full, ..batch };
    let models: [(&str, Build<'_>); 7] = [
        ("resnet8 swish", &|| resnet("resnet8", "swish", &running)),
        ("resnet8 nswish, running", &|| resnet("resnet8", "nswish", &running)),
        ("resnet8 nswish, batch", &|| resnet("resnet8", "nswish", &batch)),
        ("resnet8 nswish, full gradient", &|| resnet("resnet8", "nswish", &full)),
        ("resnet8 nprelu", &|| resnet("resnet8", "nprelu", &full)),
        ("resnet50 nrelu", &|| resnet("resnet50", "nrelu", &running)),
        ("dropout", &with_dropout),
    ];
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for (name, build) in models {
            let run = |checkpointed| pool.install(|| train(build().as_mut(), checkpointed));
            let ((want, whole), (got, kept)) = (run(false), run(true));
            assert!(want == got, "{name} on {threads} threads: other bits");
            assert!(kept < whole, "{name}: {kept} bytes at the peak, {whole} without checkpoints");
        }
    }
}

/// Looking at a checkpointed tape shows what is on one without checkpoints.
#[test]
fn who_looks_on_sees_no_difference() {
    let look = |checkpoint_blocks| {
        let mut model = resnet("resnet8", "nswish", &NormalizedSettings::default());
        let tape = Tape::new();
        let cx = Context::eval(&tape).executing(Execution { checkpoint_blocks, ..Execution::default() });
        let loss = model.forward(&cx, tape.constant(Tensor::full(IMAGES, 0.5))).unwrap();
        let loss = loss.cross_entropy(&[1; IMAGES[0]], 0.0).unwrap();
        let gradients = tape.run(Keep::All.into(), loss).unwrap();
        let nodes = tape.paths().into_iter().zip(tape.vars());
        nodes.map(|(path, v)| (path, v.value(), v.saved(), gradients.wrt(v).ok())).collect::<Vec<_>>()
    };
    assert!(look(true) == look(false));
}
