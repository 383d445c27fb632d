//! Looking at a whole residual network: what is streamed is what is stored, what is freed changes nothing, and what is
//! planned is what is measured.

use anact::{NormalizedSettings, activation};
use autograd::inspect::{Memory, Probe, Statistics};
use autograd::random::{Purpose, Stream};
use autograd::{Keep, Pass, Shape, Tape, Tensor, Var};
use layers::models::{ModelEntry, ModelSettings, Variant};
use layers::{Context, Init};

/// A step of resnet8 of width 4 with normalized Swish on a batch of `samples` images, up to the loss.
fn record(tape: &Tape<f64>, samples: usize) -> Var<'_, f64> {
    let make = activation::<f64>("nswish", &NormalizedSettings::default()).unwrap();
    let settings = ModelSettings {
        input: [3, 11, 9],
        classes: 5,
        width: Some(4),
        depth: None,
        variant: Variant::default(),
        init: Init::HeNormal,
        seed: 3,
    };
    let mut model = ModelEntry::named("resnet8").unwrap().build(&settings, &*make).unwrap();
    let mut stream = Stream::new(5, Purpose::Probe, 0);
    let shape = Shape::from([samples, 3, 11, 9]);
    let images = Tensor::filled(shape, (0..shape.len()).map(|_| stream.normal()).collect());
    let labels: Vec<usize> = (0..samples).map(|i| i % 5).collect();
    let logits = model.forward(&Context::train(tape, 1, 0), tape.constant(images)).unwrap();
    logits.cross_entropy(&labels, 0.0).unwrap()
}

#[test]
fn activations_are_found_by_pattern() {
    let tape = Tape::new();
    record(&tape, 2);
    let paths = |pattern| tape.find(pattern).unwrap().into_iter().map(Var::path).collect::<Vec<_>>();
    assert_eq!(
        paths("layer*.act*.normalize"),
        [
            "layer1.0.act1.normalize",
            "layer1.0.act2.normalize",
            "layer2.0.act1.normalize",
            "layer2.0.act2.normalize",
            "layer3.0.act1.normalize",
            "layer3.0.act2.normalize",
        ]
    );
    assert_eq!(paths("layer?.0"), paths("layer?.0.act2.normalize"), "a scope stands for its output");
    assert_eq!(paths("layer1.0.conv1.weight").len(), 1);
    let text = tape.find("layer1.0.cnov1*").unwrap_err().to_string();
    assert!(text.contains("layer1.0.conv1"), "{text}");
}

#[test]
fn probes_stream_what_a_keeping_pass_stores() {
    let tape = Tape::new();
    let loss = record(&tape, 3);
    let stored = tape.backward(loss, Keep::All).unwrap();
    let paths = tape.paths();
    let mut probe = Probe::new();
    // Values are freed on the way: the probe has seen them before.
    let lean = tape.run(Pass::new(Keep::Leaves).probe("*", &mut probe).releasing(), loss).unwrap();
    for var in tape.vars().filter(|v| v.needs_gradient()) {
        let row = &probe.rows()[&paths[var.id().index()]];
        assert_eq!(row.gradient, Statistics::of(&stored.wrt(var).unwrap()), "{var:?}");
        assert_eq!(row.value.count, var.shape().len() as u64);
    }
    for (name, var) in tape.parameters() {
        assert_eq!(lean.named(&name).unwrap(), &stored.wrt(var).unwrap(), "{name}");
    }
}

/// At a residual join the sum of what branch and shortcut send back is the gradient, to the last bit.
#[test]
fn edges_of_every_fork_add_up() {
    let tape = Tape::new();
    let loss = record(&tape, 2);
    let g = tape.backward(loss, Keep::All).unwrap();
    let mut forks = 0;
    let vars: Vec<_> = tape.vars().collect();
    for var in vars.iter().filter(|v| v.needs_gradient()) {
        let mut uses: Vec<Tensor<f64>> = Vec::new();
        for consumer in vars.iter().rev() {
            let inputs = consumer.inputs();
            let positions = (0..inputs.len()).filter(|&i| inputs[i].id() == var.id());
            uses.extend(positions.map(|i| g.edge_gradient(*consumer, i).unwrap()));
        }
        if let [first, second] = &uses[..] {
            forks += 1;
            let sum: Vec<f64> = first.data().iter().zip(second.data()).map(|(a, b)| a + b).collect();
            assert_eq!(g.wrt(*var).unwrap().data(), sum, "{var:?}");
        }
    }
    assert_eq!(forks, 3, "one fork in front of every residual block");
}

#[test]
fn a_plan_from_two_small_batches_is_what_a_large_one_takes() {
    let measured = |samples, releases: bool| -> Memory {
        let tape = Tape::new();
        let loss = record(&tape, samples);
        let pass = Pass::new(Keep::Leaves).measuring_memory();
        let pass = if releases { pass.releasing() } else { pass };
        tape.run(pass, loss).unwrap().memory().unwrap().clone()
    };
    for releases in [true, false] {
        let (two, three) = (measured(2, releases), measured(3, releases));
        let plan = Memory::extrapolated((2, &two), (3, &three), 17).unwrap();
        assert_eq!(plan, measured(17, releases));
    }
    let (lean, kept) = (measured(17, true), measured(17, false));
    assert!(lean.peak() < kept.peak(), "{} {}", lean.peak(), kept.peak());
}
