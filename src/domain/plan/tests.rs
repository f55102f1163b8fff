//! What plans say and ask, on worlds in a short notation.
