//! Numbers in JSON, which knows no NaN and no infinity.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number that survives JSON: a finite one is a JSON number, the others are the strings `NaN`, `inf` and `-inf`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(pub f64);

/// The texts of what is not finite.
const NAMES: [(&str, f64); 3] = [("NaN", f64::NAN), ("inf", f64::INFINITY), ("-inf", f64::NEG_INFINITY)];

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            return serializer.serialize_f64(self.0);
        }
        let name = NAMES.iter().find(|(_, x)| x.total_cmp(&self.0).is_eq());
        serializer.serialize_str(name.map_or("NaN", |(name, _)| name))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Finite(f64),
    Named(String),
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Finite(x) => Ok(Self(x)),
            Written::Named(text) => {
                let known = NAMES.iter().find(|(name, _)| *name == text);
                known.map(|(_, x)| Self(*x)).ok_or_else(|| {
                    serde::de::Error::custom(format!("`{text}` is no number; want NaN, inf or -inf"))
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back() {
        for x in [0.0, -0.0, 0.1, f64::MIN_POSITIVE, 5e-324, f64::MAX, f64::INFINITY, f64::NEG_INFINITY] {
            let text = serde_json::to_string(&Number(x)).unwrap();
            let back: Number = serde_json::from_str(&text).unwrap();
            assert_eq!(back.0.to_bits(), x.to_bits(), "{text}");
        }
        let text = |x| serde_json::to_string(&Number(x)).unwrap();
        assert_eq!((text(f64::INFINITY), text(f64::NEG_INFINITY)), ("\"inf\"".into(), "\"-inf\"".into()));
        // Whatever its sign and payload, NaN is NaN.
        for x in [f64::NAN, -f64::NAN] {
            assert_eq!(serde_json::to_string(&Number(x)).unwrap(), "\"NaN\"");
        }
        assert!(serde_json::from_str::<Number>("\"NaN\"").unwrap().0.is_nan());
        let text = serde_json::from_str::<Number>("\"nan\"").unwrap_err().to_string();
        assert!(text.contains("want NaN, inf or -inf"), "{text}");
    }
}
