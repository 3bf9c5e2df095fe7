//! The service is written in C++.
