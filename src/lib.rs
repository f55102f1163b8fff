//! tgscope: the pods and endpoints of a Kubernetes service beside the targets of the AWS target group
//! they became. The modules, in reading order; `tests/architecture.rs` holds who may import whom.

pub mod limits;

pub mod domain;

pub mod printable;

pub mod login;

pub mod aws;
pub mod kubernetes;

pub mod report;

pub mod app;
pub mod audit;
pub mod backend;
pub mod config;
pub mod files;
pub mod telemetry;

pub mod tui;

pub mod lab;

pub mod cli;
pub mod commands;
