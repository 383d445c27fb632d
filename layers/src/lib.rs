//! Neural-network layers, initialisation, optimisers and models on the autograd tape
#![forbid(unsafe_code)]
