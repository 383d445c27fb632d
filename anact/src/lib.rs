//! Adaptive normalization of activation functions (arXiv 2208.13315): the factor, the node, the theory
#![forbid(unsafe_code)]
