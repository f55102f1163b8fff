//! The program: parse, run, say how it ended.

fn main() -> std::process::ExitCode {
    tgscope::commands::main()
}
