//! Inputs kept as text: each is one line, with escape sequences for what does not show.

/// The line for an input, without its end.
pub fn line(input: &[u8]) -> String {
    input.escape_ascii().to_string()
}

/// The inputs in a text of such lines.
pub fn inputs(text: &str) -> Vec<Vec<u8>> {
    text.lines().map(|line| input(line.as_bytes())).collect()
}

fn input(line: &[u8]) -> Vec<u8> {
    let mut input = Vec::new();
    let mut rest = line.iter();
    while let Some(&byte) = rest.next() {
        let escaped = match byte {
            b'\\' => *rest.next().expect("a backslash at the end"),
            _ => {
                input.push(byte);
                continue;
            }
        };
        input.push(match escaped {
            b't' => b'\t',
            b'r' => b'\r',
            b'n' => b'\n',
            b'x' => {
                let digits: Vec<u8> = rest.by_ref().take(2).copied().collect();
                u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other, // a quote, or the backslash
        });
    }
    input
}
