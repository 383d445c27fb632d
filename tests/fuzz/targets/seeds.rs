//! Writes the seeds of every reader into a folder, one folder each, and beside them a dictionary of words that readers know.

use std::{env, fs, path::PathBuf};

fn main() -> std::io::Result<()> {
    let root = PathBuf::from(env::args_os().nth(1).expect("usage: seeds FOLDER"));
    for reader in tests::readers::READERS {
        let folder = root.join(reader.name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in (reader.seeds)().iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    let words: String = tests::readers::words().iter().map(|word| format!("\"{word}\"\n")).collect();
    fs::write(root.join("words.dict"), words)
}
