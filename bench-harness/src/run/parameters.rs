//! Whether stored arrays can hold a network, found before it is built.

use layers::models::ModelEntry;
use layers::parameter_count;
use layers::weights::StoredArrays;

use super::model::build_model;
use super::settings::Settings;
use crate::error::Result;

/// What the network of `settings` has more of than these arrays, in words, found before anything of the network's size is allocated;
/// the whole network fits where there is nothing.
///
/// # Errors
/// As [`at_least_parameters`].
pub(super) fn beyond_stored(
    settings: &Settings,
    input: [usize; 3],
    classes: usize,
    stored: &StoredArrays<'_>,
) -> Result<Option<String>> {
    let names = stored.names();
    // Every hidden layer has an array at least.
    if let Some(depth) = settings.depth.filter(|depth| *depth > names.len()) {
        return Ok(Some(format!("depth {depth}, more than the {} arrays", names.len())));
    }
    let length = |name: &&str| stored.shape(name).map_or(0, |shape| shape.iter().product::<usize>() as u128);
    let held: u128 = names.iter().map(length).sum();
    let words = |wanted| match wanted {
        Some(wanted) => format!("at least {wanted} parameters, more than the {held} numbers"),
        None => format!("parameters beyond counting, not the {held} numbers"),
    };
    let wanted = at_least_parameters(settings, input, classes, held)?;
    Ok(wanted.is_none_or(|wanted| wanted > held).then(|| words(wanted)))
}

/// The least number of parameters that the network of `settings` is known to have; all of them, unless it is more than `most`, which is
/// found out before anything much larger than that is allocated.
///
/// By six thin networks: for one depth and one size of images the number is a polynomial, of second degree in the width and of first in
/// the number of classes. `None` is beyond counting. Where a shortcut has a projection in thin networks and none at one width (the
/// first of `wrn-*` at 16), the number is that projection's too large; what is held counts running statistics, which are more.
///
/// # Errors
/// As [`build_model`], but for a width or a number of classes that is too large.
fn at_least_parameters(
    settings: &Settings,
    input: [usize; 3],
    classes: usize,
    most: u128,
) -> Result<Option<u128>> {
    let width = settings.width.unwrap_or(ModelEntry::<f32>::named(&settings.model)?.width);
    let mut of_width = [0i128; 3];
    for (thin, number) in (1..).zip(&mut of_width) {
        let settings = Settings { width: Some(thin), ..settings.clone() };
        let of_classes = |classes| {
            Ok::<_, crate::Error>(
                parameter_count(build_model::<f32>(&settings, input, classes)?.as_mut()) as i128
            )
        };
        let (one, two) = (of_classes(1)?, of_classes(2)?);
        // No number of classes that fits into memory goes beyond this.
        *number = one + (two - one).saturating_mul(classes as i128 - 1);
        let known = u128::try_from(*number).unwrap_or(0);
        if thin <= width && known > most {
            return Ok(Some(known));
        }
    }
    Ok(quadratic(of_width, width).and_then(|n| u128::try_from(n).ok()))
}

/// The polynomial of second degree with these values at 1, 2 and 3, at `x`, by Newton's differences.
fn quadratic([one, two, three]: [i128; 3], x: usize) -> Option<i128> {
    let beyond = i128::try_from(x).ok()? - 1;
    let (first, second) = (two - one, three - 2 * two + one);
    // A product of neighbours is even.
    let pairs = beyond.checked_mul(beyond - 1)? / 2;
    one.checked_add(first.checked_mul(beyond)?)?.checked_add(second.checked_mul(pairs)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Options;

    /// Every network of the registry, so that a new one that grows otherwise is noticed; an activation with parameters of its own for each
    /// channel.
    #[test]
    fn the_number_is_that_of_the_network_that_is_built() {
        for entry in ModelEntry::<f32>::ALL {
            for (width, classes) in [(1, 1), (4, 7), (6, 3)] {
                let settings = Settings::of(Options {
                    model: Some(entry.name.into()),
                    width: Some(width),
                    activation: Some("prelu".into()),
                    ..Options::default()
                })
                .unwrap();
                let input = [3, 18, 20];
                let built = parameter_count(build_model::<f32>(&settings, input, classes).unwrap().as_mut());
                let found = at_least_parameters(&settings, input, classes, u128::MAX).unwrap();
                assert_eq!(
                    found,
                    Some(built as u128),
                    "{} of width {width} with {classes} classes",
                    entry.name
                );
            }
        }
    }

    /// Of every network's own weights nothing is said to be missing; 16 is the width at which `wrn-*` has no first projection.
    #[test]
    fn a_network_fits_its_own_weights() {
        for entry in ModelEntry::<f32>::ALL {
            let settings = Settings::of(Options {
                model: Some(entry.name.into()),
                width: Some(16),
                activation: Some("relu".into()),
                ..Options::default()
            })
            .unwrap();
            let mut network = build_model::<f32>(&settings, [3, 18, 20], 10).unwrap();
            let bytes = layers::weights::to_safetensors(network.as_mut());
            let stored = StoredArrays::parse(&bytes).unwrap();
            assert_eq!(beyond_stored(&settings, [3, 18, 20], 10, &stored).unwrap(), None, "{}", entry.name);
        }
    }

    #[test]
    fn a_polynomial_is_continued() {
        // 3x² − 5x + 7.
        assert_eq!(quadratic([5, 9, 19], 1), Some(5));
        assert_eq!(quadratic([5, 9, 19], 1000), Some(2_995_007));
        assert_eq!(quadratic([5, 9, 19], usize::MAX), None);
    }
}
