//! Between a folder of inputs, as libFuzzer has them, and the text that is kept of them.
//!
//!     corpus pack FOLDER FILE      corpus unpack FILE FOLDER

use invariants::corpus;
use std::path::Path;
use std::{env, fs};

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<&str>>()[..] {
        ["pack", folder, file] => pack(Path::new(folder), Path::new(file)),
        ["unpack", file, folder] => unpack(Path::new(file), Path::new(folder)),
        _ => panic!("corpus pack FOLDER FILE | corpus unpack FILE FOLDER"),
    }
}

fn pack(folder: &Path, file: &Path) {
    let inputs =
        fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let mut lines: Vec<String> = inputs.map(|input| corpus::line(&input) + "\n").collect();
    lines.sort_unstable();
    fs::write(file, lines.concat()).unwrap();
}

fn unpack(file: &Path, folder: &Path) {
    for (number, input) in corpus::inputs(&fs::read_to_string(file).unwrap()).iter().enumerate() {
        fs::write(folder.join(format!("kept-{number}")), input).unwrap();
    }
}
