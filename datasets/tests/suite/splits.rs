//! Splits as views: what is chosen keeps its place in the files.

use proptest::prelude::*;

use crate::fixture;

proptest! {
    /// A choice of a choice shows the pictures, labels and indices of the places it goes back to.
    #[test]
    fn a_view_of_a_view_goes_back_to_the_files(
        count in 1usize..30,
        first in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
        second in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        head in 0usize..25,
    ) {
        let split = fixture::split(count, 1, 2, 3);
        let first: Vec<_> = first.iter().map(|i| i.index(count)).collect();
        let second: Vec<_> = second.iter().map(|i| i.index(first.len())).collect();
        let view = split.select(&first).select(&second).head(head);
        let expected: Vec<_> = second.iter().take(head).map(|&position| first[position]).collect();
        prop_assert_eq!(view.len(), expected.len());
        prop_assert_eq!(view.is_empty(), expected.is_empty());
        let mut counts = vec![0; view.classes()];
        for (position, &index) in expected.iter().enumerate() {
            prop_assert_eq!(view.index(position), index);
            prop_assert_eq!(view.label(position), split.label(index));
            prop_assert_eq!(fixture::pixels(&view, position), fixture::pixels(&split, index));
            counts[split.label(index)] += 1;
        }
        prop_assert_eq!(view.class_counts(), counts);
        prop_assert_eq!(fixture::labels(&view).len(), expected.len());
    }
}

#[test]
#[should_panic(expected = "position 3 of 3")]
fn beyond_the_end_is_a_mistake() {
    fixture::split(3, 1, 1, 1).index(3);
}
