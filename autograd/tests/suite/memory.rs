//! What a step holds, and that it lets go of it.

use autograd::inspect::Memory;
use autograd::kernels::buffer;
use autograd::{Error, Keep, Pass, Tape, Tensor, Var};

/// Three elementwise ops on `n` numbers of eight bytes, and their sum.
fn chain(tape: &Tape<f64>, n: usize) -> Var<'_, f64> {
    tape.variable(Tensor::full([n], 0.5)).exp().exp().exp().sum_all()
}

fn measured(n: usize, pass: Pass<'_, f64>) -> Memory {
    let tape = Tape::new();
    let loss = chain(&tape, n);
    tape.run(pass.measuring_memory(), loss).unwrap().memory().unwrap().clone()
}

/// By hand, in units of n numbers (the loss is one more number): forward holds x and three values. Backward from the
/// last exp holds these, its gradient and the one it sends back. Released values make the peak stay there, kept ones
/// let it stay as well, since each gradient is freed when the next is there; all gradients kept add up.
#[test]
fn bytes_are_those_counted_by_hand() {
    let (n, unit, one) = (1000, 8 * 1000, 8);
    let lean = measured(n, Pass::new(Keep::Leaves).releasing());
    assert_eq!(lean.rows.iter().map(|r| r.value).collect::<Vec<_>>(), [unit, unit, unit, unit, one]);
    assert_eq!(lean.forward(), 4 * unit + one);
    let in_backward: Vec<_> = lean.rows.iter().map(|r| r.in_backward).collect();
    assert_eq!(in_backward, [0, 4 * unit, 5 * unit, 6 * unit, 5 * unit + 2 * one]);
    assert_eq!(lean.peak(), 6 * unit);
    assert_eq!(lean.peak_row().unwrap().path, "exp#3");
    let kept = measured(n, Pass::new(Keep::Leaves));
    assert_eq!(kept.peak(), 6 * unit + one);
    // x's gradient and those of the three values, and 1 for the loss and its edge.
    let all = measured(n, Pass::new(Keep::All));
    assert_eq!(all.peak(), 8 * unit + 2 * one);
}

/// By hand: five values and the loss stay. The sum's gradient is one buffer for both its inputs; the second exp sends x
/// its contribution, to which that of the first is added, and gone is it. If x is watched, both contributions stay
/// beside their sum.
#[test]
fn contributions_count_until_they_are_added() {
    let (n, unit, one) = (1000, 8 * 1000, 8);
    let in_backward = |pass: Pass<'_, f64>| -> Vec<usize> {
        let tape = Tape::new();
        let x = tape.variable(Tensor::full([n], 0.5)).exp();
        let loss = (x.exp() + x.exp()).sum_all();
        let gradients = tape.run(pass.measuring_memory(), loss).unwrap();
        gradients.memory().unwrap().rows.iter().map(|r| r.in_backward).collect()
    };
    let (first, sum, loss) = (7 * unit + one, 6 * unit + one, 6 * unit + 2 * one);
    let lean = in_backward(Pass::new(Keep::Leaves));
    assert_eq!(lean, [0, 7 * unit + one, 8 * unit + one, first, sum, loss]);
    let watched = in_backward(Pass::new(Keep::Watched).watch("exp"));
    assert_eq!(watched, [0, 9 * unit + one, 9 * unit + one, first, sum, loss]);
}

#[test]
fn shared_buffers_count_once() {
    let tape = Tape::<f64>::new();
    let x = tape.variable(Tensor::full([4, 5], 1.0));
    let loss = x.reshape([20]).unwrap().exp().sum_all();
    let g = tape.run(Pass::new(Keep::Leaves).measuring_memory(), loss).unwrap();
    let rows = &g.memory().unwrap().rows;
    assert_eq!(rows.iter().map(|r| r.value).collect::<Vec<_>>(), [160, 0, 160, 8]);
}

#[test]
fn a_plan_is_the_line_through_two_small_recordings() {
    let at = |n| measured(n, Pass::new(Keep::Leaves).releasing());
    let plan = Memory::extrapolated((2, &at(2)), (3, &at(3)), 1000).unwrap();
    assert_eq!(plan, at(1000));
    assert!(Memory::extrapolated((2, &at(2)), (2, &at(2)), 5).is_err());
    let other = {
        let tape = Tape::<f64>::new();
        let loss = tape.variable(Tensor::full([3], 0.5)).ln().sum_all();
        tape.run(Pass::new(Keep::Leaves).measuring_memory(), loss).unwrap().memory().unwrap().clone()
    };
    assert!(Memory::extrapolated((2, &at(2)), (3, &other), 5).is_err());
}

#[test]
fn a_releasing_pass_gives_the_same_bits_and_frees_all_but_what_is_watched() {
    let tape = Tape::new();
    let loss = chain(&tape, 100);
    let kept = tape.backward(loss, Keep::Leaves).unwrap();
    let released = tape.run(Pass::new(Keep::Leaves).releasing().watch("exp#2"), loss).unwrap();
    let x = tape.vars().next().unwrap();
    assert_eq!(kept.wrt(x).unwrap(), released.wrt(x).unwrap());
    let freed: Vec<bool> = tape.vars().map(Var::is_released).collect();
    assert_eq!(freed, [false, true, false, true, true]);
    assert_eq!(loss.shape().len(), 1, "the shape stays");
    assert!(matches!(tape.backward(loss, Keep::Leaves), Err(Error::Released)));
}

#[test]
#[should_panic(expected = "the value of this exp was freed by a backward pass")]
fn a_freed_value_cannot_be_read() {
    let tape = Tape::new();
    let loss = chain(&tape, 3);
    tape.run(Pass::new(Keep::Leaves).releasing(), loss).unwrap();
    tape.vars().nth(1).unwrap().value();
}

#[test]
#[should_panic(expected = "the value of this softmax was freed by a backward pass")]
fn what_was_saved_is_freed_with_the_value() {
    let tape = Tape::<f64>::new();
    let y = tape.variable(Tensor::full([2, 3], 0.5)).softmax().unwrap();
    tape.run(Pass::new(Keep::Leaves).releasing(), y.sum_all()).unwrap();
    y.saved();
}

/// ln 0 is the first infinity; once it is freed, exp ln 0 = 0 would hide it.
#[test]
fn an_anomaly_among_freed_values_is_not_denied() {
    let tape = Tape::<f64>::new();
    let loss = tape.variable(Tensor::vector(vec![0.0])).ln().exp().sum_all();
    assert_eq!(tape.first_anomaly().unwrap().unwrap().path, "ln");
    tape.run(Pass::new(Keep::Leaves).releasing(), loss).unwrap();
    assert_eq!(tape.first_anomaly(), Err(Error::Released));
}

/// What steps leave waits in the pool, which never holds more than was live at once.
#[test]
fn steps_use_their_memory_again() {
    for _ in 0..3 {
        let tape = Tape::<f32>::new();
        let x = tape.variable(Tensor::full([50_000], 0.5));
        let loss = x.exp().exp().sum_all();
        tape.run(Pass::new(Keep::Leaves).releasing(), loss).unwrap();
        let used = buffer::pool_use::<f32>().unwrap();
        assert!(used.live + used.idle <= used.peak, "{used:?}");
    }
    assert!(buffer::pool_use::<f32>().unwrap().idle > 0);
    assert!(buffer::pool_use::<autograd::Dual<f64>>().is_none());
}
